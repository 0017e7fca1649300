# SPDX-License-Identifier: Apache-2.0
"""Compiles a BPF program and writes its object file as an array of C.

embed_program.py CLANG ENDIAN SOURCE OUTPUT DEPENDENCIES INCLUDE... -- COMPILER...

The compiler of the process is asked where its headers are: those of the kernel differ by the
machine, and clang does not look there for a machine called bpf.
"""
import os
import pathlib
import subprocess
import sys
import tempfile


def system_includes(compiler):
    """The folders that the compiler searches, in its order."""
    told = subprocess.run([*compiler, "-E", "-v", "-x", "c", "/dev/null"], check=True,
                          env={**os.environ, "LC_ALL": "C"},
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True).stderr
    start = told.index("<...> search starts here:")
    lines = told[start:told.index("End of search list.")].splitlines()[1:]
    return [line.strip() for line in lines]


def compile_program(clang, endian, source, dependencies, target, includes, compiler):
    with tempfile.TemporaryDirectory() as folder:
        program = pathlib.Path(folder) / "program.o"
        command = [clang, "-target", {"little": "bpfel", "big": "bpfeb"}[endian], "-mcpu=v3", "-O2",
                   "-g", "-ffreestanding", "-Wall", "-Wextra", "-Werror",
                   f"-fdebug-prefix-map={pathlib.Path(source).parent}=.",
                   "-MD", "-MF", dependencies, "-MT", target]
        for folder in includes:
            command += ["-I", folder]
        for folder in system_includes(compiler):
            command += ["-idirafter", folder]
        subprocess.run([*command, "-c", source, "-o", program], check=True)
        return program.read_bytes()


def as_c(program):
    rows = [program[i:i + 16] for i in range(0, len(program), 16)]
    bytes_of = "\n".join("    " + " ".join(f"{byte}," for byte in row) for row in rows)
    return ("/* SPDX-License-Identifier: Apache-2.0 */\n"
            "/* Made from program.bpf.c. */\n"
            '#include "xdp/program_bytes.h"\n\n'
            "_Alignas(8) const unsigned char xdp_program_bytes[] = {\n"
            f"{bytes_of}\n}};\n\n"
            "const unsigned long xdp_program_size = sizeof(xdp_program_bytes);\n")


def main(arguments):
    split = arguments.index("--")
    clang, endian, source, output, dependencies, *includes = arguments[:split]
    program = compile_program(clang, endian, source, dependencies, output, includes,
                              arguments[split + 1:])
    pathlib.Path(output).write_text(as_c(program))


if __name__ == "__main__":
    main(sys.argv[1:])
