-- SPDX-License-Identifier: MIT
-- Colors: a palette that goes on as far as it is needed, the scale from cold to warm, and colors by their names.

local palette = {}

-- The first ones were chosen; what comes after them is as far from all before it as it can be.
local CHOSEN = {
    0x5b8ff9, 0xff7a5c, 0x3ecf8e, 0xf7c843, 0xb37feb, 0x36cfe0, 0xff85c0, 0xa0d911, 0xffa94d, 0x8c9eff,
    0x4dd0a1, 0xe57373,
}
local MOST = 256 -- beyond these, nobody tells colors apart
local GREY = 0x9aa5b1

palette.grey = { (GREY >> 16) / 255, (GREY >> 8 & 255) / 255, (GREY & 255) / 255 }

local function channels(rgb) return { (rgb >> 16 & 255) / 255, (rgb >> 8 & 255) / 255, (rgb & 255) / 255 } end

-- ---- Oklab, in which distances are about as large as they look -----------------------------------------

local function linear(c) return c <= 0.04045 and c / 12.92 or ((c + 0.055) / 1.055) ^ 2.4 end
local function gamma(c) return c <= 0.0031308 and 12.92 * c or 1.055 * c ^ (1 / 2.4) - 0.055 end
local function cube_root(x) return x < 0 and -(-x) ^ (1 / 3) or x ^ (1 / 3) end

local function to_lab(rgb)
    local r, g, b = linear(rgb[1]), linear(rgb[2]), linear(rgb[3])
    local l = cube_root(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b)
    local m = cube_root(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b)
    local s = cube_root(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b)
    return { 0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s, 1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s,
        0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s }
end

-- nil where no screen shows it.
local function to_rgb(lab)
    local l = (lab[1] + 0.3963377774 * lab[2] + 0.2158037573 * lab[3]) ^ 3
    local m = (lab[1] - 0.1055613458 * lab[2] - 0.0638541728 * lab[3]) ^ 3
    local s = (lab[1] - 0.0894841775 * lab[2] - 1.2914855480 * lab[3]) ^ 3
    local rgb = { 4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
        -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s, -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s }
    for k = 1, 3 do
        if rgb[k] < -1e-6 or rgb[k] > 1 + 1e-6 then return nil end
        rgb[k] = gamma(math.max(0, math.min(rgb[k], 1)))
    end
    return rgb
end

local function distance(a, b) return (a[1] - b[1]) ^ 2 + (a[2] - b[2]) ^ 2 + (a[3] - b[3]) ^ 2 end

-- Colors that are neither dark nor grey; `far` is how far the nearest is that was taken.
local function all_candidates()
    local list = {}
    for lightness = 0.56, 0.92, 0.06 do
        for chroma = 0.08, 0.24, 0.04 do
            for hue = 0, 350, 10 do
                local lab = { lightness, chroma * math.cos(math.rad(hue)), chroma * math.sin(math.rad(hue)) }
                local rgb = to_rgb(lab)
                if rgb then list[#list + 1] = { lab = lab, rgb = rgb, far = math.huge } end
            end
        end
    end
    return list
end

local made, candidates = {}, nil
for k, rgb in ipairs(CHOSEN) do made[k] = channels(rgb) end

local function take(lab)
    for _, one in ipairs(candidates) do one.far = math.min(one.far, distance(one.lab, lab)) end
end

local function prepare()
    candidates = all_candidates()
    take(to_lab(palette.grey))
    for _, rgb in ipairs(made) do take(to_lab(rgb)) end
end

--- Color k from 1, as { r, g, b } from 0 to 1; beyond the last, grey.
function palette.color(k)
    if k > MOST then return palette.grey end
    if not made[k] and not candidates then prepare() end
    while not made[k] do
        local best = candidates[1]
        for _, one in ipairs(candidates) do
            if one.far > best.far then best = one end
        end
        made[#made + 1] = best.rgb
        take(best.lab)
    end
    return made[k]
end

--- From blue to gold, for heat from 0 to 1: red, green, blue.
function palette.warm(heat) return 0.30 + 0.67 * heat, 0.52 + 0.26 * heat, 0.95 - 0.69 * heat end

-- ---- Names ------------------------------------------------------------------------------------------------

-- Those of CSS.
local NAMES = [[aliceblue f0f8ff antiquewhite faebd7 aqua 00ffff aquamarine 7fffd4 azure f0ffff beige f5f5dc bisque ffe4c4
black 000000 blanchedalmond ffebcd blue 0000ff blueviolet 8a2be2 brown a52a2a burlywood deb887 cadetblue 5f9ea0
chartreuse 7fff00 chocolate d2691e coral ff7f50 cornflowerblue 6495ed cornsilk fff8dc crimson dc143c cyan 00ffff
darkblue 00008b darkcyan 008b8b darkgoldenrod b8860b darkgray a9a9a9 darkgreen 006400 darkgrey a9a9a9 darkkhaki bdb76b
darkmagenta 8b008b darkolivegreen 556b2f darkorange ff8c00 darkorchid 9932cc darkred 8b0000 darksalmon e9967a
darkseagreen 8fbc8f darkslateblue 483d8b darkslategray 2f4f4f darkslategrey 2f4f4f darkturquoise 00ced1 darkviolet 9400d3
deeppink ff1493 deepskyblue 00bfff dimgray 696969 dimgrey 696969 dodgerblue 1e90ff firebrick b22222 floralwhite fffaf0
forestgreen 228b22 fuchsia ff00ff gainsboro dcdcdc ghostwhite f8f8ff gold ffd700 goldenrod daa520 gray 808080 green 008000
greenyellow adff2f grey 808080 honeydew f0fff0 hotpink ff69b4 indianred cd5c5c indigo 4b0082 ivory fffff0 khaki f0e68c
lavender e6e6fa lavenderblush fff0f5 lawngreen 7cfc00 lemonchiffon fffacd lightblue add8e6 lightcoral f08080
lightcyan e0ffff lightgoldenrodyellow fafad2 lightgray d3d3d3 lightgreen 90ee90 lightgrey d3d3d3 lightpink ffb6c1
lightsalmon ffa07a lightseagreen 20b2aa lightskyblue 87cefa lightslategray 778899 lightslategrey 778899
lightsteelblue b0c4de lightyellow ffffe0 lime 00ff00 limegreen 32cd32 linen faf0e6 magenta ff00ff maroon 800000
mediumaquamarine 66cdaa mediumblue 0000cd mediumorchid ba55d3 mediumpurple 9370db mediumseagreen 3cb371
mediumslateblue 7b68ee mediumspringgreen 00fa9a mediumturquoise 48d1cc mediumvioletred c71585 midnightblue 191970
mintcream f5fffa mistyrose ffe4e1 moccasin ffe4b5 navajowhite ffdead navy 000080 oldlace fdf5e6 olive 808000
olivedrab 6b8e23 orange ffa500 orangered ff4500 orchid da70d6 palegoldenrod eee8aa palegreen 98fb98 paleturquoise afeeee
palevioletred db7093 papayawhip ffefd5 peachpuff ffdab9 peru cd853f pink ffc0cb plum dda0dd powderblue b0e0e6
purple 800080 rebeccapurple 663399 red ff0000 rosybrown bc8f8f royalblue 4169e1 saddlebrown 8b4513 salmon fa8072
sandybrown f4a460 seagreen 2e8b57 seashell fff5ee sienna a0522d silver c0c0c0 skyblue 87ceeb slateblue 6a5acd
slategray 708090 slategrey 708090 snow fffafa springgreen 00ff7f steelblue 4682b4 tan d2b48c teal 008080 thistle d8bfd8
tomato ff6347 turquoise 40e0d0 violet ee82ee wheat f5deb3 white ffffff whitesmoke f5f5f5 yellow ffff00 yellowgreen 9acd32]]

local by_name = {}
for name, rgb in NAMES:gmatch "(%a+)%s+(%x+)" do by_name[name] = tonumber(rgb, 16) end

--- { r, g, b } of "red", "#f00" or "#ff0000"; nil for any other text.
function palette.parse(text)
    local short = text:match "^#(%x%x%x)$"
    local long = text:match "^#(%x%x%x%x%x%x)$" or short and short:gsub("%x", "%0%0")
    local rgb = long and tonumber(long, 16) or by_name[text:lower()]
    return rgb and channels(rgb)
end

return palette
