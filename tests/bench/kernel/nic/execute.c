// SPDX-License-Identifier: GPL-2.0
#include "execute.h"

#include <linux/if_vlan.h>

#include "eswitch.h"
#include "mangle.h"
#include "rule.h"

static u16 tci_of(const struct flownic_action *action)
{
    return action->vlan.vid | (u16)(action->vlan.pcp << VLAN_PRIO_SHIFT);
}

/* Return: 0; or an error, where the frame is gone. */
static int push_vlan(struct sk_buff *skb, const struct flownic_action *action)
{
    return skb_vlan_push(skb, action->vlan.tpid, tci_of(action));
}

/* Return: 0, also for a frame without a tag; or an error, where the frame is still there. */
static int pop_vlan(struct sk_buff *skb)
{
    /* Who sent the frame may have said anything of it. */
    skb->protocol = eth_hdr(skb)->h_proto;
    return skb_vlan_pop(skb);
}

static int set_vlan(struct sk_buff *skb, const struct flownic_action *action)
{
    if (!skb_vlan_tag_present(skb)) {
        int error = pop_vlan(skb);

        if (error) {
            return error;
        }
    }
    __vlan_hwaccel_put_tag(skb, action->vlan.tpid, tci_of(action));
    return 0;
}

static void mirror(const struct flownic_action *action, struct sk_buff *skb, bool *sent)
{
    struct sk_buff *copy = skb_clone(skb, GFP_ATOMIC);

    if (copy) {
        flownic_eswitch_emit(action->port, copy);
        *sent = true;
    }
}

static struct sk_buff *drop(struct sk_buff *skb)
{
    kfree_skb(skb);
    return NULL;
}

/* One action. Return: as flownic_execute(). */
static struct sk_buff *act(const struct flownic_action *action, struct sk_buff *skb, bool *sent)
{
    switch (action->kind) {
    case FLOWNIC_PORT:
        flownic_eswitch_emit(action->port, skb);
        *sent = true;
        return NULL;
    case FLOWNIC_MIRROR: mirror(action, skb, sent); return skb;
    case FLOWNIC_DROP: return drop(skb);
    case FLOWNIC_PUSH_VLAN: return push_vlan(skb, action) ? NULL : skb;
    case FLOWNIC_POP_VLAN: return pop_vlan(skb) ? drop(skb) : skb;
    case FLOWNIC_SET_VLAN: return set_vlan(skb, action) ? drop(skb) : skb;
    default: break;
    }
    if (flownic_mangle_is(action) && flownic_mangle_frame(skb, &action->mangle)) {
        return drop(skb);
    }
    return skb;
}

struct sk_buff *flownic_execute(const struct flownic_rule *rule, struct sk_buff *skb, bool *sent)
{
    u32 i;

    for (i = 0; i < rule->n_actions && skb; i++) {
        skb = act(&rule->actions[i], skb, sent);
    }
    return skb;
}
