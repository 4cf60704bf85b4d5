/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_DPDK_PLUGIN_DPDK_H
#define FLOWLIFT_DPDK_PLUGIN_DPDK_H

/*
 * What the plug-in takes of DPDK: public headers, the functions below by name, and rte_eth_fp_ops, the table from
 * which the inline functions of rte_ethdev.h take theirs.
 *
 * They are weak, and the shared object names no library of DPDK that it needs. So it loads into every
 * process: one whose DPDK is another version, or whose symbols are not to be seen, gets a line in its log
 * (plugin.c) and nothing else. With ordinary references dlopen() would fail, rte_eal_init() with it, and
 * ovs-vswitchd abort (OVS 3.1 lib/dpdk.c, dpdk_init()); or a second copy of DPDK would be loaded next to the first.
 */

#include <rte_ethdev.h>
#include <rte_flow.h>
#include <rte_log.h>
#include <rte_telemetry.h>
#include <rte_version.h>

#define FL_DPDK_SYMBOLS(SYMBOL)          \
    SYMBOL(rte_version)                  \
    SYMBOL(rte_log)                      \
    SYMBOL(rte_eth_fp_ops)               \
    SYMBOL(rte_eth_dev_is_valid_port)    \
    SYMBOL(rte_eth_dev_get_name_by_port) \
    SYMBOL(rte_eth_dev_info_get)         \
    SYMBOL(rte_flow_info_get)            \
    SYMBOL(rte_flow_dev_dump)            \
    SYMBOL(rte_flow_validate)            \
    SYMBOL(rte_telemetry_register_cmd)   \
    SYMBOL(rte_tel_data_start_array)     \
    SYMBOL(rte_tel_data_start_dict)      \
    SYMBOL(rte_tel_data_string)          \
    SYMBOL(rte_tel_data_add_array_int)   \
    SYMBOL(rte_tel_data_add_dict_string) \
    SYMBOL(rte_tel_data_add_dict_int)    \
    SYMBOL(rte_tel_data_add_dict_u64)

#pragma weak rte_eth_fp_ops
#pragma weak rte_version
#pragma weak rte_log
#pragma weak rte_eth_dev_is_valid_port
#pragma weak rte_eth_dev_get_name_by_port
#pragma weak rte_eth_dev_info_get
#pragma weak rte_flow_info_get
#pragma weak rte_flow_dev_dump
#pragma weak rte_flow_validate
#pragma weak rte_telemetry_register_cmd
#pragma weak rte_tel_data_start_array
#pragma weak rte_tel_data_start_dict
#pragma weak rte_tel_data_string
#pragma weak rte_tel_data_add_array_int
#pragma weak rte_tel_data_add_dict_string
#pragma weak rte_tel_data_add_dict_int
#pragma weak rte_tel_data_add_dict_u64

#endif
