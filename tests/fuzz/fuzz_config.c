/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration: any text is either read, or refused with a sentence that names its line. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the rest of the program relies on, whatever was read. */
static void check(const struct fl_config *config)
{
    if (!config->id_keys || !config->id_keys[0] || !config->name_keys || !config->name_keys[0] ||
        !config->allow_relaxations || !config->agent_auto || !config->storage.n_services)
        abort();
    if (config->window_ms < 100 || config->window_ms > 600000 || config->audit.grace_ms < 0 ||
        !(config->audit.stranded_below >= 0 && config->audit.stranded_below <= 1))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_config config;
    int ret;

    fl_config_init(&config);
    ret = fl_config_parse(&config, "fuzz.conf", (const char *)data, size, &err);
    if (ret != err.code || (ret && strncmp(err.text, "fuzz.conf:", 10)))
        abort();
    check(&config);
    fl_config_destroy(&config);
    return 0;
}
