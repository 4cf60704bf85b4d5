/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_FLEET_IDL_H
#define FLOWLIFT_FLEET_IDL_H

/* What ovsdb-idlc made of the schema, as a foreign header: its warnings are not ours. */
#pragma GCC system_header
#include "lib/fleet/fleet-idl.h"

#endif
