"""Money and by what it is searched: who pays, what is charged, what is claimed and the answer."""

from __future__ import annotations

from collections.abc import Mapping

from harness.sandbox.search_parameter import SearchParameter, date, string, to, token

__all__ = ["FINANCIAL"]

_CLAIMED = {
    "patient": to("patient", "Patient"),
    "status": token("status"),
    "use": token("use"),
    "created": date("created"),
}
_ELIGIBILITY = {
    "patient": to("patient", "Patient"),
    "status": token("status"),
    "created": date("created"),
}

FINANCIAL: Mapping[str, Mapping[str, SearchParameter]] = {
    "Coverage": {
        "patient": to("beneficiary", "Patient"),
        "beneficiary": to("beneficiary", "Patient"),
        "subscriber": to("subscriber"),
        "policy-holder": to("policyHolder"),
        "payor": to("payor"),
        "dependent": string("dependent"),
        "status": token("status"),
        "type": token("type"),
    },
    "Account": {
        "subject": to("subject"),
        "patient": to("subject", "Patient"),
        "owner": to("owner", "Organization"),
        "name": string("name"),
        "period": date("servicePeriod"),
        "status": token("status"),
        "type": token("type"),
    },
    "ChargeItem": {
        "subject": to("subject"),
        "patient": to("subject", "Patient"),
        "context": to("context"),
        "account": to("account", "Account"),
        "code": token("code"),
        "entered-date": date("enteredDate"),
        "enterer": to("enterer"),
        "occurrence": date("occurrenceDateTime", "occurrencePeriod"),
        "performer-actor": to("performer.actor"),
        "performing-organization": to("performingOrganization", "Organization"),
        "requesting-organization": to("requestingOrganization", "Organization"),
        "service": to("service"),
    },
    "Claim": {
        **_CLAIMED,
        "provider": to("provider"),
        "insurer": to("insurer", "Organization"),
        "enterer": to("enterer"),
        "payee": to("payee.party"),
        "facility": to("facility", "Location"),
        "encounter": to("item.encounter", "Encounter"),
        "care-team": to("careTeam.provider"),
        "priority": token("priority"),
    },
    "ClaimResponse": {
        **_CLAIMED,
        "request": to("request", "Claim"),
        "requestor": to("requestor"),
        "insurer": to("insurer", "Organization"),
        "outcome": token("outcome"),
        "disposition": string("disposition"),
        "payment-date": date("payment.date"),
    },
    "ExplanationOfBenefit": {
        "patient": to("patient", "Patient"),
        "status": token("status"),
        "created": date("created"),
        "claim": to("claim", "Claim"),
        "coverage": to("insurance.coverage", "Coverage"),
        "provider": to("provider"),
        "facility": to("facility", "Location"),
        "encounter": to("item.encounter", "Encounter"),
        "care-team": to("careTeam.provider"),
        "enterer": to("enterer"),
        "payee": to("payee.party"),
        "disposition": string("disposition"),
    },
    "CoverageEligibilityRequest": {
        **_ELIGIBILITY,
        "provider": to("provider"),
        "enterer": to("enterer"),
        "facility": to("facility", "Location"),
    },
    "CoverageEligibilityResponse": {
        **_ELIGIBILITY,
        "request": to("request", "CoverageEligibilityRequest"),
        "requestor": to("requestor"),
        "insurer": to("insurer", "Organization"),
        "outcome": token("outcome"),
        "disposition": string("disposition"),
    },
}
