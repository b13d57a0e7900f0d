"""Stages of a run: each measures, and returns its part of the report as Markdown."""

from . import bulk, fanout, growth, large, operations, profiles

STAGES = {
    "operations": operations.measure,
    "bulk": bulk.measure,
    "fanout": fanout.measure,
    "large": large.measure,
    "growth": growth.measure,
    "profiles": profiles.measure,
}
