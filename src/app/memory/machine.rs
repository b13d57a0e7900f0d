//! Memory of the machine or of the process's control group.

use std::{fs, path::Path};

/// Assumed memory where neither file exists, such as outside of Linux.
const UNKNOWN: u64 = 4 << 30;

/// Bytes of memory of the machine or of the control group, whichever is less.
pub fn memory() -> u64 {
    memory_below(Path::new("/"))
}

/// Reads the system's files below `root`.
fn memory_below(root: &Path) -> u64 {
    let machine = total(&read(&root.join("proc/meminfo")));
    let groups = read(&root.join("proc/self/cgroup"));
    let groups = groups.lines().filter_map(|line| group_limit(root, line));
    groups.chain(machine).min().unwrap_or(UNKNOWN)
}

/// `MemTotal` of `/proc/meminfo`, in KiB there.
fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1 << 10)
}

/// Limit of a control group in a line of `/proc/self/cgroup`: `0::PATH` in [version
/// 2](https://docs.kernel.org/admin-guide/cgroup-v2.html), `ID:CONTROLLERS:PATH` in version 1. Limits of enclosing
/// groups apply too. In a container the path may be the host's, of which only the root is mounted.
fn group_limit(root: &Path, line: &str) -> Option<u64> {
    let mut parts = line.splitn(3, ':').skip(1);
    let (controllers, path) = (parts.next()?, parts.next()?);
    let (folder, file) = match controllers {
        "" => ("sys/fs/cgroup", "memory.max"),
        list if list.split(',').any(|name| name == "memory") => {
            ("sys/fs/cgroup/memory", "memory.limit_in_bytes")
        }
        _ => return None,
    };
    let path = Path::new(path.trim_start_matches('/'));
    let limits = path.ancestors().filter_map(|group| {
        let text = read(&root.join(folder).join(group).join(file));
        // Version 2 writes `max` for no limit.
        text.trim().parse().ok()
    });
    limits.min()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory_of(files: &[(&str, &str)]) -> u64 {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        memory_below(root.path())
    }

    const MACHINE: (&str, &str) = (
        "proc/meminfo",
        "MemTotal:        8388608 kB\nMemFree:  1 kB\n",
    );

    #[test]
    fn a_machine_without_groups_has_all_of_its_memory() {
        assert_eq!(memory_of(&[MACHINE]), 8 << 30);
        assert_eq!(memory_of(&[]), UNKNOWN);
    }

    #[test]
    fn limits_of_version_2_hold_with_those_around_them() {
        let own = ("proc/self/cgroup", "0::/a/b\n");
        let inner = ("sys/fs/cgroup/a/b/memory.max", "max\n");
        let outer = ("sys/fs/cgroup/a/memory.max", "1073741824\n");
        assert_eq!(memory_of(&[MACHINE, own, inner]), 8 << 30);
        assert_eq!(memory_of(&[MACHINE, own, inner, outer]), 1 << 30);
        let host = ("proc/self/cgroup", "0::/../host\n");
        let mounted = ("sys/fs/cgroup/memory.max", "536870912\n");
        assert_eq!(memory_of(&[MACHINE, host, mounted]), 512 << 20);
    }

    #[test]
    fn limits_of_version_1_are_those_of_its_memory() {
        let own = ("proc/self/cgroup", "4:cpu,cpuacct:/a\n3:memory:/a\n");
        let none = (
            "sys/fs/cgroup/memory/a/memory.limit_in_bytes",
            "9223372036854771712\n",
        );
        let whole = ("sys/fs/cgroup/memory/memory.limit_in_bytes", "2147483648\n");
        assert_eq!(memory_of(&[MACHINE, own, none]), 8 << 30);
        assert_eq!(memory_of(&[MACHINE, own, none, whole]), 2 << 30);
    }
}
