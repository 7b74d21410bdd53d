"""From current snapshots to a published release that readers open.

Belongs here: the manifest, the collected check results, building the release and swapping it in.
Stays out: judging what may be released to whom (approval comes later, as decisions).
"""
