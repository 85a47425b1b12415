// Everything on the page that is cut, leaves its place or lies over something else, one sentence each.
() => {
  const faults = [];
  const words = element => element.textContent.trim().slice(0, 40);
  const seen = element => {
    const box = element.getBoundingClientRect();
    return box.width > 0 && box.height > 0 && getComputedStyle(element).visibility !== 'hidden';
  };
  // A pixel for rounding.
  const leaves = (inner, outer) =>
    inner.left < outer.left - 1 || inner.right > outer.right + 1 || inner.top < outer.top - 1 || inner.bottom > outer.bottom + 1;

  const width = document.documentElement.scrollWidth;
  if (width > window.innerWidth) faults.push(`the page is ${width} px wide`);

  for (const element of document.querySelectorAll('main *')) {
    if (!seen(element) || element.closest('.scroll') || element.closest('svg')) continue;
    const box = element.getBoundingClientRect();
    const name = `<${element.tagName.toLowerCase()}>`;
    if (box.right > window.innerWidth + 1 || box.left < -1) faults.push(`${name} leaves the page: ${words(element)}`);
    const clips = getComputedStyle(element).overflowX !== 'visible';
    if (clips && element.scrollWidth > element.clientWidth + 1) faults.push(`${name} is cut: ${words(element)}`);
  }

  for (const chart of document.querySelectorAll('svg.chart')) {
    if (!seen(chart)) continue;
    const frame = chart.getBoundingClientRect();
    const texts = [...chart.querySelectorAll('text')].filter(words).map(text => [text, text.getBoundingClientRect()]);
    if (texts.length < 10) faults.push('a chart has hardly any text');
    texts.forEach(([text, box], index) => {
      if (leaves(box, frame)) faults.push(`text leaves its chart: ${words(text)}`);
      for (const [other, its] of texts.slice(index + 1)) {
        const across = Math.min(box.right, its.right) - Math.max(box.left, its.left);
        const down = Math.min(box.bottom, its.bottom) - Math.max(box.top, its.top);
        // Boxes of lines above each other touch by their leading.
        if (across > 1 && down > Math.min(box.height, its.height) * 0.35)
          faults.push(`texts overlap: ${words(text)} and ${words(other)}`);
      }
    });
  }

  for (const table of document.querySelectorAll('table')) {
    for (const cell of table.querySelectorAll('th, td')) {
      if (!seen(cell)) continue;
      const content = document.createRange();
      content.selectNodeContents(cell);
      const box = content.getBoundingClientRect();
      if (box.width && leaves(box, cell.getBoundingClientRect())) faults.push(`text leaves its cell: ${words(cell)}`);
    }
    const scrolls = getComputedStyle(table.parentElement).overflowX === 'auto';
    if (seen(table) && !scrolls && table.getBoundingClientRect().right > window.innerWidth + 1)
      faults.push(`a table is cut: ${words(table)}`);
  }
  return faults;
}
