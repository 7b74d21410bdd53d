"""Assets of the titles room: declarations only; what they compute is in the modules named here."""

from functools import partial

from aina_assets.titles import coverage, evidence, lexicon, tables, thresholds
from aina_assets.warehouse.assets import table_asset

_table = partial(table_asset, group="titles", kinds=("pyarrow",))
_trained = partial(table_asset, group="titles", kinds=("scikitlearn",))

title_lexicon = _table(tables.TitleLexicon)(lexicon.title_lexicon)
title_policies = _table(tables.TitlePolicies, kinds=("yaml",))(coverage.title_policies)
title_ranker = _trained(tables.TitleRanker)(evidence.title_ranker)
title_evidence = _trained(tables.TitleEvidence)(evidence.title_evidence)
title_thresholds = _table(tables.TitleThresholds)(thresholds.title_thresholds)
title_model_evaluation = _table(tables.TitleModelEvaluation)(thresholds.title_model_evaluation)
title_model = _trained(tables.TitleModel)(coverage.title_model)
# Where precision on withheld titles fell below its bar, nothing is routed.
title_coverage = _table(tables.TitleCoverage, deps=("title_model_evaluation",))(
    coverage.title_coverage
)
