/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/fleet/tls.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <ovs/socket-util.h>
#include <ovs/stream-ssl.h>
#include <ovs/stream.h>
#include <ovs/util.h>

static int check_file(const char *key, const char *path, struct fl_error *err)
{
    if (!path) {
        return fl_error_set(err, -EINVAL,
                            "[fleet] remote begins with ssl: and [fleet] %s is not set: name a PEM "
                            "file",
                            key);
    }
    if (access(path, R_OK)) {
        int error = errno;

        return fl_error_set(err, -error, "[fleet] %s: %s cannot be read: %s", key, path,
                            ovs_strerror(error));
    }
    return 0;
}

int fl_fleet_tls(const struct fl_config *config, struct fl_error *err)
{
    int error;

    if (!config->fleet_remote || !strstr(config->fleet_remote, "ssl:")) {
        return 0;
    }
    error = check_file("private-key", config->fleet_private_key, err);
    if (!error) {
        error = check_file("certificate", config->fleet_certificate, err);
    }
    if (!error) {
        error = check_file("ca-certificate", config->fleet_ca_certificate, err);
    }
    if (error) {
        return error;
    }
    stream_ssl_set_key_and_cert(config->fleet_private_key, config->fleet_certificate);
    stream_ssl_set_ca_cert_file(config->fleet_ca_certificate, false);
    return 0;
}

char *fl_fleet_host_name(const struct fl_config *config)
{
    char name[256];

    if (config->fleet_name) {
        return xstrdup(config->fleet_name);
    }
    if (gethostname(name, sizeof name)) {
        return xstrdup("localhost");
    }
    name[sizeof name - 1] = '\0';
    return xstrdup(name);
}
