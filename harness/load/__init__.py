"""The load itself: clinicians as Locust users on a lean client, and everything they leave behind.

The only package that imports Locust and gevent, and importing Locust patches the process; loaded by locustfiles only.
"""

from harness.engine import use_compiled

use_compiled()
