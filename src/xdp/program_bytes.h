/* SPDX-License-Identifier: Apache-2.0 */
/* xdp/program_bytes.h - the program for the kernel as its compiler wrote it: an ELF file. */
#ifndef XDP_PROGRAM_BYTES_H
#define XDP_PROGRAM_BYTES_H

extern const unsigned char xdp_program_bytes[];
extern const unsigned long xdp_program_size;

#endif
