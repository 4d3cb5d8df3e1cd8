-- Models of forces: CUDA C expressions of the square distance d2, in units of about one edge's length.
--   repel    the push between two unit masses, over their distance       attract   the pull of an edge, likewise
--   mass     what a node pushes with, of its heft (1 + the weights of its edges)
--   gravity  the pull to the middle, a unit of mass and distance, beside a spring's

local models = {
    -- ForceAtlas2's: hubs push more, springs pull as far as they are long.
    forceatlas = { repel = "1.0f / (d2 + 1e-4f)", attract = "1.0f", mass = "heft", gravity = 0.0005 },
    -- Fruchterman and Reingold's, Eades's: equal nodes, springs that pull harder when they are long.
    spring = { repel = "1.0f / (d2 + 1e-4f)", attract = "sqrtf(d2)", mass = "1.0f", gravity = 0.0005 },
    -- Bounded and short-ranged, after the t-distribution: what is far away is not felt, so the start's shape stays.
    tforce = { repel = "1.0f / ((1.0f + d2) * (1.0f + d2))", attract = "0.1f + 0.8f / (1.0f + d2)",
        mass = "1.0f", gravity = 0 },
}

return models
