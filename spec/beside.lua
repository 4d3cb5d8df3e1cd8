-- SPDX-License-Identifier: MIT
-- A folder of a spec's own, which goes when the spec ends.

--- beside(name): the path of a file there; beside.write(name, text) writes it, and returns the path. `teardown` is busted's.
return function(teardown)
    local folder = os.tmpname()
    os.remove(folder)
    assert(os.execute("mkdir " .. folder))
    teardown(function() os.execute("rm -r " .. folder) end)
    local beside = { folder = folder }

    function beside.write(name, text)
        local file = assert(io.open(beside(name), "wb"))
        file:write(text)
        file:close()
        return beside(name)
    end

    return setmetatable(beside, { __call = function(_, name) return folder .. "/" .. name end })
end
