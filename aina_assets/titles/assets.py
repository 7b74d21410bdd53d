"""Assets of the titles room: declarations only; what they compute is in the modules named here."""

from functools import partial

from aina_assets.titles import (
    adjudication,
    adjudication_tables,
    coverage,
    evidence,
    lexicon,
    tables,
    thresholds,
)
from aina_assets.warehouse.assets import table_asset
from aina_assets.warehouse.receipts import ReceiptSpec

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
title_routing = _table(tables.TitleRouting, deps=("title_model_evaluation",))(
    coverage.title_routing
)
title_adjudication_subjects = _table(adjudication_tables.TitleAdjudicationSubjects)(
    adjudication.title_adjudication_subjects
)
title_coverage = _table(adjudication_tables.TitleCoverage)(adjudication.title_coverage)
title_adjudication = _table(
    adjudication_tables.TitleAdjudication,
    receipt=ReceiptSpec(
        "title_adjudication_v1",
        counted="figure",
        valued="value",
        holds=adjudication_tables.UNSETTLED,
    ),
)(adjudication.title_adjudication)
