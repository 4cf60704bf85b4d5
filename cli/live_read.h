/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_LIVE_READ_H
#define FLOWLIFT_CLI_LIVE_READ_H

/* A document of cli/live_source.h as a model (cli/live_model.h), which calls this. */

#include "cli/live_model.h"

/**
 * fl_live_read() - read any JSON: what is missing or of the wrong type counts as not known
 * @model: of this reading alone; release with fl_live_model_destroy()
 */
void fl_live_read(const json_t *document, struct fl_live_model *model);
void fl_live_vms_free(struct fl_live_vm *vms, size_t n);

#endif
