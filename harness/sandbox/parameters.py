"""Which resource types the server knows and by what they can be searched: type → parameter → kind and path.

Names, kinds and paths follow the search parameters of FHIR R4 (http://hl7.org/fhir/R4/searchparameter-registry.html). A
path is a chain of element names; several paths are alternatives. `telecom[phone]` keeps the contact points of one
system.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

__all__ = ["COLUMN_PARAMETERS", "PARAMETERS", "ParameterKind", "SearchParameter"]

ParameterKind = Literal["token", "contact", "reference", "date", "string"]


@dataclass(frozen=True, slots=True)
class SearchParameter:
    """`targets` are the types of which references are indexed under the parameter; empty means any type."""

    kind: ParameterKind
    paths: tuple[str, ...]
    targets: tuple[str, ...] = ()


def token(*paths: str) -> SearchParameter:
    return SearchParameter("token", paths)


def contact(*paths: str) -> SearchParameter:
    return SearchParameter("contact", paths)


def string(*paths: str) -> SearchParameter:
    return SearchParameter("string", paths)


def date(*paths: str) -> SearchParameter:
    return SearchParameter("date", paths)


def to(path: str, *targets: str) -> SearchParameter:
    return SearchParameter("reference", (path,), targets)


COLUMN_PARAMETERS: Mapping[str, str] = {"_id": "token", "_lastUpdated": "date"}
"""Parameters of every type that are columns of the resource table, not rows of an index."""

_EVERYWHERE = {"_tag": token("meta.tag"), "_profile": token("meta.profile"), "_security": token("meta.security")}
_IDENTIFIED = {**_EVERYWHERE, "identifier": token("identifier")}
_PERSON = {
    "name": string("name"),
    "family": string("name.family"),
    "given": string("name.given"),
    "gender": token("gender"),
    "active": token("active"),
    "address": string("address"),
    "address-city": string("address.city"),
    "address-state": string("address.state"),
    "address-postalcode": string("address.postalCode"),
    "telecom": contact("telecom"),
    "phone": contact("telecom[phone]"),
    "email": contact("telecom[email]"),
}
_SUBJECT = {"subject": to("subject"), "patient": to("subject", "Patient"), "encounter": to("encounter", "Encounter")}
_PLACE = {
    "address": string("address"),
    "address-city": string("address.city"),
    "address-state": string("address.state"),
    "address-postalcode": string("address.postalCode"),
}
_BOOKING = {
    "service-type": token("serviceType"),
    "service-category": token("serviceCategory"),
    "specialty": token("specialty"),
}
_MEDICATION = {
    "subject": to("subject"),
    "patient": to("subject", "Patient"),
    "status": token("status"),
    "code": token("medicationCodeableConcept"),
    "medication": to("medicationReference", "Medication"),
}

_OWN: dict[str, dict[str, SearchParameter]] = {
    "Patient": {
        **_PERSON,
        "birthdate": date("birthDate"),
        "death-date": date("deceasedDateTime"),
        "language": token("communication.language"),
        "organization": to("managingOrganization", "Organization"),
        "general-practitioner": to("generalPractitioner"),
        "link": to("link.other"),
    },
    "Practitioner": {**_PERSON, "communication": token("communication")},
    "PractitionerRole": {
        "active": token("active"),
        "date": date("period"),
        "practitioner": to("practitioner", "Practitioner"),
        "organization": to("organization", "Organization"),
        "location": to("location", "Location"),
        "role": token("code"),
        "specialty": token("specialty"),
        "telecom": contact("telecom"),
        "phone": contact("telecom[phone]"),
        "email": contact("telecom[email]"),
    },
    "Organization": {
        **_PLACE,
        "name": string("name", "alias"),
        "active": token("active"),
        "type": token("type"),
        "partof": to("partOf", "Organization"),
    },
    "Location": {
        **_PLACE,
        "name": string("name", "alias"),
        "organization": to("managingOrganization", "Organization"),
        "operational-status": token("operationalStatus"),
        "status": token("status"),
        "type": token("type"),
        "partof": to("partOf", "Location"),
    },
    "Encounter": {
        "subject": to("subject"),
        "patient": to("subject", "Patient"),
        "class": token("class"),
        "status": token("status"),
        "type": token("type"),
        "date": date("period"),
        "participant": to("participant.individual"),
        "practitioner": to("participant.individual", "Practitioner"),
        "service-provider": to("serviceProvider", "Organization"),
        "location": to("location.location", "Location"),
        "appointment": to("appointment", "Appointment"),
        "based-on": to("basedOn", "ServiceRequest"),
        "part-of": to("partOf", "Encounter"),
        "diagnosis": to("diagnosis.condition"),
        "reason-code": token("reasonCode"),
    },
    "Condition": {
        **_SUBJECT,
        "code": token("code"),
        "category": token("category"),
        "clinical-status": token("clinicalStatus"),
        "verification-status": token("verificationStatus"),
        "severity": token("severity"),
        "onset-date": date("onsetDateTime", "onsetPeriod"),
        "abatement-date": date("abatementDateTime", "abatementPeriod"),
        "recorded-date": date("recordedDate"),
        "asserter": to("asserter"),
    },
    "AllergyIntolerance": {
        "patient": to("patient", "Patient"),
        "code": token("code", "reaction.substance"),
        "category": token("category"),
        "clinical-status": token("clinicalStatus"),
        "verification-status": token("verificationStatus"),
        "criticality": token("criticality"),
        "type": token("type"),
        "date": date("recordedDate"),
        "last-date": date("lastOccurrence"),
        "recorder": to("recorder"),
        "asserter": to("asserter"),
    },
    "Observation": {
        **_SUBJECT,
        "code": token("code"),
        "category": token("category"),
        "status": token("status"),
        "date": date("effectiveDateTime", "effectivePeriod", "effectiveInstant"),
        "performer": to("performer"),
        "based-on": to("basedOn"),
        "part-of": to("partOf"),
        "specimen": to("specimen", "Specimen"),
        "device": to("device"),
        "has-member": to("hasMember"),
        "derived-from": to("derivedFrom"),
        "component-code": token("component.code"),
        "combo-code": token("code", "component.code"),
        "value-concept": token("valueCodeableConcept"),
    },
    "MedicationRequest": {
        **_MEDICATION,
        "encounter": to("encounter", "Encounter"),
        "intent": token("intent"),
        "category": token("category"),
        "priority": token("priority"),
        "authoredon": date("authoredOn"),
        "requester": to("requester"),
        "intended-performer": to("performer"),
    },
    "MedicationAdministration": {
        **_MEDICATION,
        "context": to("context"),
        "effective-time": date("effectiveDateTime", "effectivePeriod"),
        "performer": to("performer.actor"),
        "request": to("request", "MedicationRequest"),
    },
    "MedicationDispense": {
        **_MEDICATION,
        "context": to("context"),
        "type": token("type"),
        "performer": to("performer.actor"),
        "prescription": to("authorizingPrescription", "MedicationRequest"),
        "receiver": to("receiver"),
        "destination": to("destination", "Location"),
        "whenprepared": date("whenPrepared"),
        "whenhandedover": date("whenHandedOver"),
    },
    "ServiceRequest": {
        **_SUBJECT,
        "category": token("category"),
        "code": token("code"),
        "status": token("status"),
        "intent": token("intent"),
        "priority": token("priority"),
        "authored": date("authoredOn"),
        "occurrence": date("occurrenceDateTime", "occurrencePeriod"),
        "performer": to("performer"),
        "requester": to("requester"),
        "based-on": to("basedOn"),
        "specimen": to("specimen", "Specimen"),
        "requisition": token("requisition"),
    },
    "DiagnosticReport": {
        **_SUBJECT,
        "category": token("category"),
        "code": token("code"),
        "status": token("status"),
        "date": date("effectiveDateTime", "effectivePeriod"),
        "issued": date("issued"),
        "performer": to("performer"),
        "results-interpreter": to("resultsInterpreter"),
        "result": to("result", "Observation"),
        "based-on": to("basedOn"),
        "specimen": to("specimen", "Specimen"),
        "conclusion": token("conclusionCode"),
    },
    "DocumentReference": {
        "subject": to("subject"),
        "patient": to("subject", "Patient"),
        "encounter": to("context.encounter", "Encounter"),
        "type": token("type"),
        "category": token("category"),
        "status": token("status"),
        "date": date("date"),
        "period": date("context.period"),
        "author": to("author"),
        "custodian": to("custodian", "Organization"),
        "contenttype": token("content.attachment.contentType"),
        "description": string("description"),
    },
    "Coverage": {
        "patient": to("beneficiary", "Patient"),
        "beneficiary": to("beneficiary", "Patient"),
        "subscriber": to("subscriber"),
        "policy-holder": to("policyHolder"),
        "payor": to("payor"),
        "status": token("status"),
        "type": token("type"),
    },
    "Appointment": {
        **_BOOKING,
        "actor": to("participant.actor"),
        "patient": to("participant.actor", "Patient"),
        "practitioner": to("participant.actor", "Practitioner"),
        "location": to("participant.actor", "Location"),
        "date": date("start"),
        "status": token("status"),
        "part-status": token("participant.status"),
        "appointment-type": token("appointmentType"),
        "reason-code": token("reasonCode"),
        "slot": to("slot", "Slot"),
        "based-on": to("basedOn", "ServiceRequest"),
    },
    "Slot": {
        **_BOOKING,
        "schedule": to("schedule", "Schedule"),
        "start": date("start"),
        "status": token("status"),
        "appointment-type": token("appointmentType"),
    },
    "Schedule": {
        **_BOOKING,
        "actor": to("actor"),
        "active": token("active"),
        "date": date("planningHorizon"),
    },
    "Task": {
        "patient": to("for", "Patient"),
        "subject": to("for"),
        "owner": to("owner"),
        "requester": to("requester"),
        "focus": to("focus"),
        "based-on": to("basedOn"),
        "part-of": to("partOf", "Task"),
        "encounter": to("encounter", "Encounter"),
        "status": token("status"),
        "business-status": token("businessStatus"),
        "code": token("code"),
        "intent": token("intent"),
        "priority": token("priority"),
        "performer": token("performerType"),
        "group-identifier": token("groupIdentifier"),
        "authored-on": date("authoredOn"),
        "modified": date("lastModified"),
        "period": date("executionPeriod"),
    },
    "Immunization": {
        "patient": to("patient", "Patient"),
        "status": token("status"),
        "status-reason": token("statusReason"),
        "vaccine-code": token("vaccineCode"),
        "date": date("occurrenceDateTime"),
        "location": to("location", "Location"),
        "performer": to("performer.actor"),
        "lot-number": string("lotNumber"),
    },
    "Procedure": {
        **_SUBJECT,
        "code": token("code"),
        "category": token("category"),
        "status": token("status"),
        "date": date("performedDateTime", "performedPeriod"),
        "performer": to("performer.actor"),
        "based-on": to("basedOn"),
        "location": to("location", "Location"),
        "reason-code": token("reasonCode"),
    },
    "CareTeam": {
        **_SUBJECT,
        "status": token("status"),
        "category": token("category"),
        "participant": to("participant.member"),
        "date": date("period"),
    },
    "Claim": {
        "patient": to("patient", "Patient"),
        "provider": to("provider"),
        "insurer": to("insurer", "Organization"),
        "facility": to("facility", "Location"),
        "encounter": to("item.encounter", "Encounter"),
        "care-team": to("careTeam.provider"),
        "status": token("status"),
        "use": token("use"),
        "priority": token("priority"),
        "created": date("created"),
    },
    "Communication": {
        **_SUBJECT,
        "status": token("status"),
        "category": token("category"),
        "medium": token("medium"),
        "sent": date("sent"),
        "received": date("received"),
        "sender": to("sender"),
        "recipient": to("recipient"),
        "based-on": to("basedOn"),
    },
    "ImagingStudy": {
        **_SUBJECT,
        "status": token("status"),
        "started": date("started"),
        "modality": token("series.modality"),
        "bodysite": token("series.bodySite"),
        "series": token("series.uid"),
        "basedon": to("basedOn"),
        "referrer": to("referrer"),
        "interpreter": to("interpreter"),
    },
    "Specimen": {
        "subject": to("subject"),
        "patient": to("subject", "Patient"),
        "status": token("status"),
        "type": token("type"),
        "collected": date("collection.collectedDateTime", "collection.collectedPeriod"),
        "collector": to("collection.collector"),
        "accession": token("accessionIdentifier"),
        "parent": to("parent", "Specimen"),
    },
}

PARAMETERS: Mapping[str, Mapping[str, SearchParameter]] = {
    **{kind: {**_IDENTIFIED, **own} for kind, own in _OWN.items()},
    "Binary": _EVERYWHERE,
}
"""Every resource type the server stores, with its search parameters beside `_id` and `_lastUpdated`."""
