"""The restricted level of Kubernetes' pod security standards, as a list of breaches.

Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from collections.abc import Iterator, Mapping
from typing import Any

VOLUMES = {
    *("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral"),
    *("persistentVolumeClaim", "projected", "secret"),
}
SELINUX = {"container_t", "container_init_t", "container_kvm_t", "container_engine_t"}
SYSCTLS = {
    *("kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies"),
    *("net.ipv4.ping_group_range", "net.ipv4.ip_unprivileged_port_start"),
    *("net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time"),
    *("net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes"),
}


def breaches(pod: Mapping[str, Any]) -> list[str]:
    """What the restricted level refuses in a pod's `spec`, each in a few words."""
    return [*_of_pod(pod), *(b for c in _containers(pod) for b in _of_container(c, pod))]


def _containers(pod: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    kinds = ("containers", "initContainers", "ephemeralContainers")
    return [container for kind in kinds for container in pod.get(kind) or ()]


def _of_pod(pod: Mapping[str, Any]) -> Iterator[str]:
    yield from (name for name in ("hostNetwork", "hostPID", "hostIPC") if pod.get(name))
    for volume in pod.get("volumes") or ():
        yield from (f"volume {kind}" for kind in volume.keys() - {"name"} - VOLUMES)
    context = pod.get("securityContext") or {}
    yield from (
        f"sysctl {s['name']}" for s in context.get("sysctls", ()) if s["name"] not in SYSCTLS
    )
    yield from _of_context(context)


def _of_container(container: Mapping[str, Any], pod: Mapping[str, Any]) -> Iterator[str]:
    own = container.get("securityContext") or {}
    of_pod = pod.get("securityContext") or {}
    yield from _of_context(own)
    if own.get("privileged"):
        yield "privileged"
    if own.get("allowPrivilegeEscalation") is not False:
        yield "allowPrivilegeEscalation"
    capabilities = own.get("capabilities") or {}
    if "ALL" not in capabilities.get("drop", ()):
        yield "capabilities are not dropped"
    yield from (f"capability {c}" for c in {*capabilities.get("add", ())} - {"NET_BIND_SERVICE"})
    if own.get("procMount", "Default") != "Default":
        yield "procMount"
    if own.get("runAsNonRoot", of_pod.get("runAsNonRoot")) is not True:
        yield "runAsNonRoot"
    seccomp = (own.get("seccompProfile") or of_pod.get("seccompProfile") or {}).get("type")
    if seccomp not in {"RuntimeDefault", "Localhost"}:
        yield f"seccompProfile {seccomp}"
    yield from (
        f"hostPort {p['hostPort']}" for p in container.get("ports", ()) if p.get("hostPort")
    )


def _of_context(context: Mapping[str, Any]) -> Iterator[str]:
    if context.get("runAsUser") == 0:
        yield "runAsUser 0"
    if (context.get("windowsOptions") or {}).get("hostProcess"):
        yield "hostProcess"
    if (context.get("appArmorProfile") or {}).get("type") == "Unconfined":
        yield "appArmorProfile"
    linux = context.get("seLinuxOptions") or {}
    if linux.get("type", "container_t") not in SELINUX or linux.get("user") or linux.get("role"):
        yield "seLinuxOptions"
