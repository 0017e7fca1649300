/* SPDX-License-Identifier: Apache-2.0 */
/* base/paths.h - where the daemon and its tools meet. */
#ifndef BASE_PATHS_H
#define BASE_PATHS_H

#define CONTROL_FOLDER "/run/mediaferry"
#define CONTROL_PATH CONTROL_FOLDER "/control.sock"

#endif
