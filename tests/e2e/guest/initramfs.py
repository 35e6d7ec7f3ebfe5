"""The guest's file system: busybox, Python, autotune and the story, with the shared libraries they need.

Everything is taken from this machine. The kernel unpacks the archive into memory, so there is no disk, and
making it needs no root. It is not compressed: unpacking costs an emulated CPU more than reading.
"""
import pathlib
import re
import shutil
import subprocess
import sys
import sysconfig

HERE = pathlib.Path(__file__).resolve().parent
LEFT_OUT = shutil.ignore_patterns("config-*", "test", "idlelib", "lib2to3", "distutils", "ensurepip", "pydoc_data",
                                  "turtledemo", "tkinter", "dist-packages")


class Tree:
    def __init__(self, root):
        self.root = root
        for folder in ("dev", "proc", "sys", "tmp", "root", "usr/bin", "usr/lib", "usr/lib64"):
            (root / folder).mkdir(parents=True)
        for merged in ("bin", "lib", "lib64"):
            (root / merged).symlink_to(f"usr/{merged}")
        (root / "sbin").symlink_to("usr/bin")

    def add(self, source, target):
        """A copy of the file `source` at the absolute path `target`."""
        place = self.root / str(target).lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, place)
        return place

    def add_libraries(self, binaries):
        """What the dynamic linker says that these need, where it finds it."""
        told = subprocess.run(["ldd", *map(str, binaries)], capture_output=True, text=True, check=True).stdout
        if "not found" in told:
            raise RuntimeError(f"a shared library is missing:\n{told}")
        for path in sorted(set(re.findall(r"(/\S+) \(0x", told))):
            library = pathlib.Path(path)
            self.add(library, library.parent.resolve() / library.name)

    def pack(self, archive):
        names = sorted(str(p.relative_to(self.root)) for p in self.root.rglob("*"))
        with open(archive, "wb") as out:
            subprocess.run(["cpio", "--create", "--format=newc", "--owner=0:0", "--quiet"], cwd=self.root,
                           input="\n".join(names), text=True, check=True, stdout=out)


def add_python(tree):
    interpreter = pathlib.Path(sys.executable).resolve()
    library = pathlib.Path(sysconfig.get_path("stdlib"))
    tree.add(interpreter, f"/usr/bin/{interpreter.name}")
    (tree.root / "usr/bin/python3").symlink_to(interpreter.name)
    shutil.copytree(library, tree.root / str(library).lstrip("/"), ignore=LEFT_OUT, symlinks=False,
                    ignore_dangling_symlinks=True)
    tree.add_libraries([interpreter, *library.glob("lib-dynload/*.so")])


def build(folder, autotune):
    """Makes the archive in `folder` and returns its path."""
    tree = Tree(folder / "root")
    tree.add(shutil.which("busybox"), "/usr/bin/busybox")
    add_python(tree)
    # Laid out as harness.py expects. Debug information would only fill the guest's memory.
    stripped = folder / "autotune"
    subprocess.run(["strip", "-o", str(stripped), str(autotune)], check=True)
    tree.add(stripped, "/autotune/build/release/autotune")
    tree.add_libraries([autotune])
    for script in (HERE / "story.py", HERE.parent / "harness.py"):
        tree.add(script, f"/autotune/tests/e2e/{script.name}")
    tree.add(HERE / "init.sh", "/init").chmod(0o755)
    archive = folder / "initramfs.cpio"
    tree.pack(archive)
    return archive
