std = "lua54"
max_line_length = 130
files["spec"] = { std = "+busted" }
files["**/*_spec.lua"] = { std = "lua54+busted" }
