/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_SCREEN_COUNT_H
#define FLOWLIFT_SCREEN_COUNT_H

/*
 * From two samples to what each port of the switch counted in between: the part of flows/screen.c that
 * knows what counters mean.
 */

#include "flows/screen.h"

enum fl_count_state {
    FL_COUNTED,
    FL_COUNTED_SOFTWARE, /* software packets only; what the NIC forwards is counted nowhere */
    FL_NOT_COUNTED,      /* the driver does not tell software from hardware */
    FL_COUNTERS_FELL,
    FL_PORT_GONE,   /* was there when the window began only */
    FL_PORT_ABSENT, /* the kernel has no such device (a DPDK port, a patch port) */
};

/* Seen from the switch. */
enum fl_way { FL_WAY_IN, FL_WAY_OUT, FL_N_WAYS };

struct fl_screen_port {
    const struct fl_interface *iface;
    const struct fl_nic_port *nic; /* or NULL */
    enum fl_count_state state;
    uint64_t packets[FL_N_WAYS];  /* valid when FL_COUNTED or FL_NOT_COUNTED */
    uint64_t software[FL_N_WAYS]; /* valid when FL_COUNTED or FL_COUNTED_SOFTWARE */
    uint64_t flood;               /* Of software[OUT]: copies that its peers got too. */
};

/** fl_screen_count() - what every interface of the inventory counted. Return: an array to free() */
struct fl_screen_port *fl_screen_count(const struct fl_screen_input *input);

/**
 * fl_screen_find_floods() - fill in @flood of all ports, by rule 1 of flows/screen.h
 * @ports: as fl_screen_count() returns them
 */
void fl_screen_find_floods(const struct fl_inventory *inv, struct fl_screen_port *ports);

/** fl_screen_median() - the middle one of @n numbers, the lower of two; sorts them; 0 for none */
double fl_screen_median(double *numbers, size_t n);

static inline bool fl_screen_has_software(const struct fl_screen_port *port)
{
    return port->state == FL_COUNTED || port->state == FL_COUNTED_SOFTWARE;
}

#endif
