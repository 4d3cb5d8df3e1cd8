-- SPDX-License-Identifier: MIT
-- Loaded by busted before every spec file of the project (spec/run-spec.sh).
-- What the specs share: the assertions of gpumm.spec, and a way to run gpumm-run as a user would.
require "gpumm.spec"

-- The project's own tests leave named buffers to the close of their managers, which is a test of that.
require "gpumm.spec".leaks_fail = false
