/* SPDX-License-Identifier: GPL-2.0 */
/* main: all NICs of the module. */
#ifndef FLOWNIC_MAIN_H
#define FLOWNIC_MAIN_H

struct flownic_nic;

/**
 * flownic_nic() - a NIC by its number
 * @index: from 0 on
 *
 * Return: borrowed; NULL when there are no more.
 */
struct flownic_nic *flownic_nic(unsigned int index);

#endif
