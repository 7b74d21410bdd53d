"""Write the sample files: `python -m aina_assets_tests.sample_world [OUT_DIR]`."""

import sys
from pathlib import Path

from aina_assets_tests.sample_world import write_sample

DEFAULT = Path(__file__).parents[2] / "data" / "sample"

write_sample(Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT)
