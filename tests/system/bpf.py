# SPDX-License-Identifier: Apache-2.0
"""An XDP program that lets everything pass, attached to an interface by bpf(2): another's, for the tests."""
import contextlib
import ctypes
import os
import socket
import struct

SYS_BPF, PROG_LOAD, LINK_CREATE = 321, 5, 28  # the system call as x86-64 has it
PROG_TYPE_XDP, ATTACH_XDP = 6, 37
GENERIC, NATIVE = 2, 4
_libc = ctypes.CDLL(None, use_errno=True)


def _bpf(command, attributes):
    buffer = ctypes.create_string_buffer(attributes, 128)
    done = _libc.syscall(SYS_BPF, command, buffer, len(buffer))
    if done < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return done


def _load():
    """Returns XDP_PASS."""
    code = ctypes.create_string_buffer(struct.pack("=BBHiBBHi", 0xB7, 0, 0, 2, 0x95, 0, 0, 0), 16)
    licence = ctypes.create_string_buffer(b"Apache-2.0")
    return _bpf(PROG_LOAD, struct.pack("=IIQQ", PROG_TYPE_XDP, 2, ctypes.addressof(code), ctypes.addressof(licence)))


@contextlib.contextmanager
def attached(device, mode):
    """While this lasts the program is on the device of this namespace."""
    with contextlib.ExitStack() as stack:
        program = _load()
        stack.callback(os.close, program)
        link = _bpf(LINK_CREATE, struct.pack("=IIII", program, socket.if_nametoindex(device), ATTACH_XDP, mode))
        stack.callback(os.close, link)
        yield


def why_not():
    """Why nobody can use XDP here; empty when one can."""
    try:
        os.close(_load())
        socket.socket(44, socket.SOCK_RAW).close()  # AF_XDP
    except OSError as error:
        return str(error)
    return ""
