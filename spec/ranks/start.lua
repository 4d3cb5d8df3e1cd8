-- SPDX-License-Identifier: MIT
-- Starts a script of spec/ranks on several ranks.

local assert = require "luassert"
local support = require "spec.support"

local run = support.gpumm_run()
local device = os.getenv "GPUMM_DEVICE" or "host"
local MPIRUN = os.getenv "GPUMM_MPIRUN" or "mpirun --oversubscribe --allow-run-as-root"
-- One machine, with no network to look for; and a store of PMIx that does not deadlock as it ends.
local SETTINGS = "PMIX_MCA_gds=hash OMPI_MCA_btl=self,vader OMPI_MCA_hwloc_base_binding_policy=none"
-- Open MPI gives the others a second until its SIGTERM, and one more; several ranks of one GPU may take longer to close.
if device ~= "host" then SETTINGS = SETTINGS .. " OMPI_MCA_odls_base_sigkill_timeout=3" end
-- Under LeakSanitizer: what MPI leaves behind is told from what is ours by the names in its stacks; and where libraries that are
-- opened late keep their thread-local variables is not guessed, because a wrong guess crashes it.
local keep = os.getenv "GPUMM_KEEP_OPEN"
local LEAKS = keep and "LSAN_OPTIONS=suppressions=spec/ranks/mpi.supp:print_suppressions=0 ASAN_OPTIONS="
    .. os.getenv "ASAN_OPTIONS" .. ":intercept_tls_get_addr=0:verify_asan_link_order=0" or ""
local preload = keep and ("env LD_PRELOAD='%s'"):format(keep) or ""
local cpath = ("LUA_CPATH='%s/?.so;;'"):format(run:match "^(.*)/[^/]*$" or ".")

local start = {}

--- What starts ranks, as words of a shell's.
start.launcher = ("env %s %s %s %s"):format(SETTINGS, LEAKS, cpath, MPIRUN)

--- What stands before the program that a rank is.
start.preload = preload

--- Runs a script on n ranks, which have to end in `most` seconds; `limit` is for each of their waits. Returns what they said,
--- the launcher's exit code, and what they have written, by rank. look(beside), which may be nil, sees their other files.
local function run_script(n, most, script, limit, how, more, look)
    local folder = support.folder()
    -- What Open MPI's ranks share lies in the folder: of those that are killed nobody else clears it away.
    local environment = ("%s OMPI_MCA_btl_vader_backing_directory='%s' %s %s %s"):format(SETTINGS, folder.path, LEAKS, cpath,
        more or "")
    local text, code = support.said(("%s spec/ranks/run.sh %d %s -n %d %s '%s' --quiet --strict spec/ranks/%s '%s' %s %g '%s'")
        :format(environment, most, MPIRUN, n, preload, run, script, folder.path, device, limit, how or ""))
    local said = {}
    for r = 0, n - 1 do
        local file = io.open(folder.beside(tostring(r)))
        if file then
            said[r] = file:read "a"
            file:close()
        end
    end
    local seen, why = pcall(look or function() end, folder.beside)
    folder.remove()
    assert.not_equal(99, code, text)
    if not seen then error(text .. tostring(why), 0) end
    return text, code, said
end

return setmetatable(start, { __call = function(_, ...) return run_script(...) end })
