"""Assets of the learner room: declarations only; what they compute is in ``activity``."""

from aina_assets.learner import activity, tables
from aina_assets.warehouse.assets import table_asset
from aina_assets.warehouse.receipts import ReceiptSpec

learner_activity = table_asset(tables.LearnerActivity, group="learner")(activity.learner_activity)
beta_feedback = table_asset(
    tables.BetaFeedback,
    group="learner",
    receipt=ReceiptSpec("beta_feedback_v1", counted="figure", valued="value"),
)(activity.beta_feedback)
