/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#define MOST_PORT 65535

static int parse_path(const char *path, struct fl_listen *listen, struct fl_error *err)
{
    if (!*path || !strcmp(path, ".") || !strcmp(path, "..")) {
        return fl_error_set(err, -EINVAL, "the socket has no name");
    }
    if (path[0] != '/' && strchr(path, '/')) {
        return fl_error_set(err, -EINVAL, "the socket is neither a name nor an absolute path");
    }
    /* Else it is not to be connected to, not even by those who can make one. */
    if (strlen(path) >= sizeof((struct sockaddr_un *)NULL)->sun_path) {
        return fl_error_set(err, -EINVAL, "the socket's path is too long");
    }
    listen->path = path;
    return 0;
}

/* "1" to "65535". Return: 0 for anything else. */
static in_port_t parse_port(const char *text)
{
    size_t n = strspn(text, "0123456789");
    long port = n && n <= 5 && !text[n] ? strtol(text, NULL, 10) : 0;

    return port <= MOST_PORT ? (in_port_t)port : 0;
}

static int set_address(const char *host, in_port_t port, struct fl_listen *listen,
                       struct fl_error *err)
{
    struct sockaddr_in *ip4 = (struct sockaddr_in *)&listen->address;
    struct sockaddr_in6 *ip6 = (struct sockaddr_in6 *)&listen->address;

    if (host[0] != '[' && inet_pton(AF_INET, host, &ip4->sin_addr) == 1) {
        if (ntohl(ip4->sin_addr.s_addr) >> 24 != IN_LOOPBACKNET) {
            return fl_error_set(err, -EINVAL,
                                "only this host may ask, so it is 127.0.0.1 or [::1]");
        }
        ip4->sin_family = AF_INET;
        ip4->sin_port = htons(port);
        listen->address_bytes = sizeof *ip4;
        return 0;
    }
    if (host[0] == '[' && inet_pton(AF_INET6, host + 1, &ip6->sin6_addr) == 1) {
        if (!IN6_IS_ADDR_LOOPBACK(&ip6->sin6_addr)) {
            return fl_error_set(err, -EINVAL,
                                "only this host may ask, so it is 127.0.0.1 or [::1]");
        }
        ip6->sin6_family = AF_INET6;
        ip6->sin6_port = htons(port);
        listen->address_bytes = sizeof *ip6;
        return 0;
    }
    return fl_error_set(err, -EINVAL, "\"%s%s\" is no address", host, host[0] == '[' ? "]" : "");
}

static int parse_address(const char *text, struct fl_listen *listen, struct fl_error *err)
{
    const char *colon = strrchr(text, ':');
    char host[INET6_ADDRSTRLEN + 1];
    size_t n = colon ? (size_t)(colon - text) : 0;
    in_port_t port = colon ? parse_port(colon + 1) : 0;

    if (!port || !n) {
        return fl_error_set(err, -EINVAL, "there is no port");
    }
    if (n >= sizeof host || (text[0] == '[') != (text[n - 1] == ']')) {
        return fl_error_set(err, -EINVAL, "it is no address");
    }
    memcpy(host, text, n);
    host[text[0] == '[' ? n - 1 : n] = '\0';
    return set_address(host, port, listen, err);
}

int fl_listen_parse(const char *text, struct fl_listen *listen, struct fl_error *err)
{
    static const char unix_prefix[] = "unix:";
    struct fl_listen result = { .path = NULL };
    int ret = 0;

    if (!strncmp(text, unix_prefix, strlen(unix_prefix))) {
        ret = parse_path(text + strlen(unix_prefix), &result, err);
    } else if (strcmp(text, "off")) {
        ret = parse_address(text, &result, err);
    }
    if (!ret) {
        *listen = result;
    }
    return ret;
}
