"""An emulated machine: Debian's kernel in qemu, without KVM, disk or network. Needs no root."""
import pathlib
import re
import subprocess
import tarfile

META_PACKAGE = "linux-image-cloud-amd64"


class Unavailable(Exception):
    """What the machine is made of cannot be had here; says what and why."""


def run(*command, cwd=None):
    try:
        return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=True, timeout=300).stdout
    except FileNotFoundError:
        raise Unavailable(f"{command[0]} is not installed") from None
    except subprocess.CalledProcessError as error:
        raise Unavailable(f"{' '.join(command)}: {error.stderr.strip()}") from None


def download(folder, version, *options):
    """The .deb with the kernel that this Debian release installs by META_PACKAGE."""
    depends = run("apt-cache", *options, "depends", META_PACKAGE)
    name = re.search(r"Depends: (linux-image-(\S+))", depends)
    if not name or not name[2].startswith(version):
        raise Unavailable(f"{META_PACKAGE} brings no Linux {version} here:\n{depends}")
    run("apt-get", *options, "download", name[1], cwd=folder)
    return next(folder.glob(f"{name[1]}_*.deb"))


def unpack(package, cache):
    """Keeps of the package nothing but the kernel."""
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE) as unpacked, \
            tarfile.open(fileobj=unpacked.stdout, mode="r|") as files:
        for file in files:
            name = pathlib.PurePath(file.name).name
            if name.startswith("vmlinuz-"):
                partial = cache / "partial"
                partial.write_bytes(files.extractfile(file).read())
                partial.rename(cache / name)
    package.unlink()


def kernel(cache, version):
    """The path of a bootable kernel `version`; downloaded once, into `cache`, never installed."""
    cache.mkdir(parents=True, exist_ok=True)
    if not list(cache.glob(f"vmlinuz-{version}*")):
        try:
            package = download(cache, version)
        except Unavailable:  # this machine's package lists are old or absent: with lists of our own, then
            (cache / "lists/partial").mkdir(parents=True, exist_ok=True)
            options = ("-o", f"Dir::State::Lists={cache}/lists", "-o", f"Dir::Cache={cache}/apt")
            run("apt-get", *options, "update")
            package = download(cache, version, *options)
        unpack(package, cache)
    return next(cache.glob(f"vmlinuz-{version}*"))


def boot(image, initramfs, log, seconds):
    """Runs until the guest powers off; its console goes to the file `log`. TimeoutExpired after `seconds`."""
    command = ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-smp", "2", "-m", "2048", "-nodefaults",
               "-display", "none", "-no-reboot", "-serial", f"file:{log}", "-kernel", str(image),
               "-initrd", str(initramfs),
               "-append", "console=ttyS0 quiet panic=-1 mitigations=off tsc=reliable"]
    subprocess.run(command, stdin=subprocess.DEVNULL, check=True, timeout=seconds)
