std = "lua54"
max_line_length = 120
files["spec"] = { std = "+busted" }
files["**/*_spec.lua"] = { std = "lua54+busted" }
