# cmake -DFROM=file -DTO=file.c -DNAME=symbol -P embed.cmake: the bytes of a file as an array.
file(READ ${FROM} hex HEX)
string(LENGTH "${hex}" digits)
math(EXPR size "${digits} / 2")
string(REGEX REPLACE "(................................)" "\\1\n" lines "${hex}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${lines}")
file(WRITE ${TO}
  "#include \"assets.h\"\n\nconst char ${NAME}[] = {\n${bytes}0};\nconst size_t ${NAME}_size = ${size};\n")
