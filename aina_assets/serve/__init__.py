"""The learner loop over HTTP: an API for machines, and beta pages for people.

Belongs here: what crosses the wire, who may ask, how much and how often, and what is said when
something is wrong. Stays out: what happens to a learner (``learner``), how a submission is graded
(``practice``), what a release holds (``release``).

No learner's text is logged, and none leaves in telemetry. The beta is internal and serves synthetic
learners only; every response says so.
"""
