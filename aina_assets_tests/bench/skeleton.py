"""Dagster's share: the same graph, checks and event log, with steps that do nothing.

AINA_HOME=DIR python -m aina_assets_tests.bench.skeleton
"""

import time
from collections.abc import Iterator
from typing import Any

import dagster as dg

from aina_assets.location import Location, resources


def idle(definition: dg.AssetsDefinition) -> dg.AssetsDefinition:
    """``definition`` with the same keys, dependencies and checks, whose step does nothing."""
    specs = [
        dg.AssetSpec(spec.key, deps=[dep.asset_key for dep in spec.deps], skippable=True)
        for spec in definition.specs
    ]
    checks = list(definition.check_specs)

    @dg.multi_asset(name=f"idle_{definition.op.name}", specs=specs, check_specs=checks)
    def nothing(_context: dg.AssetExecutionContext) -> Iterator[Any]:
        for check in checks:
            yield dg.AssetCheckResult(
                passed=True,
                asset_key=check.asset_key,
                check_name=check.name,
                metadata={"checked_rows": 1, "failing_rows": 0, "detail": "nothing"},
            )
        for spec in specs:
            yield dg.MaterializeResult(asset_key=spec.key, data_version=dg.DataVersion("1"))

    return nothing


def main() -> None:
    """Run the idle graph once and print ``steps seconds``."""
    location = Location(resources())
    job = dg.Definitions(
        assets=[idle(item) for item in location.assets], executor=dg.in_process_executor
    ).resolve_implicit_global_asset_job_def()
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    with location.instance() as instance:
        started = time.monotonic()
        result = job.execute_in_process(instance=instance, run_config=quiet)
        seconds = time.monotonic() - started
    if not result.success:
        raise SystemExit("the idle graph failed")
    print(len(location.assets), round(seconds, 3))


if __name__ == "__main__":
    main()
