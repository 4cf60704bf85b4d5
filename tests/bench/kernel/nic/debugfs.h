/* SPDX-License-Identifier: GPL-2.0 */
/* debugfs: flownic/rules, connections, counters and faults, for tests. */
#ifndef FLOWNIC_DEBUGFS_H
#define FLOWNIC_DEBUGFS_H

/**
 * flownic_debugfs_create() - make the files; all NICs are there
 */
void flownic_debugfs_create(void);

/**
 * flownic_debugfs_remove() - remove them; no reader is left when this returns
 */
void flownic_debugfs_remove(void);

#endif
