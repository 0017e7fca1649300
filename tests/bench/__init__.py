# SPDX-License-Identifier: Apache-2.0
"""mediaferry-bench: mediaferry beside rtpengine and coturn under the same loads."""
