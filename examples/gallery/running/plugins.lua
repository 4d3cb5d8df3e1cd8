-- SPDX-License-Identifier: MIT
-- Plugins that are not trusted, each in a sandbox of its own: one that works, one that wants the disk, one that takes too much
-- memory of the device, and one that never ends. Applications do this in their process by gpumm_lua_sandbox_open; here gpumm-
-- run does it.
--
--     gpumm-run examples/gallery/running/plugins.lua

local plugins = {
    { "works", [[
        local m <close> = gpumm.manager()
        local b = m:buffer { type = "u32", length = 1000 }
        b:fill(2)
        local sum = m:buffer { type = "u32", length = 1 }
        m:reduce { from = b, to = sum, op = "sum" }
        print("the sum is " .. sum:download()[1])]] },
    { "wants the disk", [[ print(gpumm.npy.write("/tmp/stolen.npy", gpumm.view("u8", 1))) ]] },
    { "wants a kernel", [[ gpumm.manager():kernel { source = 'extern "C" __global__ void k(int n) {}' } ]] },
    { "is greedy", [[
        local m, held = gpumm.manager(), {}
        for i = 1, 1000 do
            held[i] = assert(m:buffer { type = "u8", length = 1 << 20 })
        end]] },
    { "never ends", [[ while true do pcall(error) end ]] },
}

local here = os.getenv "GPUMM_RUN" or arg[-1] or "gpumm-run" -- the command that runs this
for lowest = -1, -20, -1 do
    if not os.getenv "GPUMM_RUN" and arg[lowest] then here = arg[lowest] end
end

local results = {}
for i, plugin in ipairs(plugins) do
    local path = os.tmpname()
    do
        local file <close> = assert(io.open(path, "w"))
        file:write(plugin[2])
    end
    local pipe = assert(io.popen(("'%s' --quiet --sandbox --device host --limit 8MiB --lua-memory 16MiB --timeout 0.5 '%s' 2>&1")
        :format(here, path)))
    local said = pipe:read "a"
    local _, _, code = pipe:close()
    os.remove(path)
    results[i] = { name = plugin[1], code = code, said = said }
    print(("%-15s exit %d: %s"):format(plugin[1], code, (said:match "^[^\n]*":gsub("^gpumm%-run: ",
        ""):gsub("/tmp/lua_%w+:%d+: ", ""))))
end
return results
