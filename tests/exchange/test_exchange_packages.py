"""Bringing packages privately: whose sources, which version, whole or not at all."""

import io
import json
import multiprocessing
import os
import subprocess
import tarfile
from hashlib import sha256
from pathlib import Path

import pytest

from foundation.asterisk import apt, packages, provision
from foundation.asterisk.apt import Deb, architecture
from foundation.asterisk.apt_sources import (
    AptSource,
    distribution_sources,
    machine_sources,
    parse_deb822,
    parse_one_line,
    sources_for,
)
from foundation.asterisk.bundle import make_bundle, take_bundle
from foundation.asterisk.errors import PackageError
from foundation.asterisk.packages import Prefix, build_prefix, prefix_folder, unpack
from foundation.asterisk.provision import Asterisk, choose, version_numbers

KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"


def test_one_line_sources_are_read() -> None:
    text = (
        "# deb http://off.example/debian bookworm main\n"
        f"deb [arch=amd64 signed-by={KEYS}] http://mirror.example/debian bookworm main contrib # ours\n"
        "deb-src http://mirror.example/debian bookworm main\n"
        "deb http://other.example/debian bookworm main\n"
    )
    assert parse_one_line(text) == [
        AptSource("http://mirror.example/debian", "bookworm", ("main", "contrib"), KEYS),
        AptSource("http://other.example/debian", "bookworm", ("main",)),
    ]


def test_stanza_sources_are_read_with_their_keys() -> None:
    text = (
        "Types: deb deb-src\n# a remark\nURIs: http://a.example/debian http://b.example/debian\n"
        f"Suites: bookworm bookworm-updates\nComponents: main\nSigned-By: {KEYS}\n\n"
        "Types: deb\nEnabled: no\nURIs: http://off.example\nSuites: x\nComponents: main\n\n"
        "types: deb\nuris: http://c.example/debian\nsuites: bookworm\ncomponents: main\n"
        "Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQENB\n -----END PGP PUBLIC KEY BLOCK-----\n"
    )
    found = parse_deb822(text)
    assert [(s.uri, s.suite) for s in found] == [
        ("http://a.example/debian", "bookworm"),
        ("http://a.example/debian", "bookworm-updates"),
        ("http://b.example/debian", "bookworm"),
        ("http://b.example/debian", "bookworm-updates"),
        ("http://c.example/debian", "bookworm"),
    ]
    assert found[0].signed_by == KEYS
    assert "BLOCK-----\n\nmQENB\n" in found[4].signed_by


def test_a_third_partys_source_is_never_taken_for_the_distributions() -> None:
    sources = [
        AptSource("https://packages.example/cloud", "cloud-bookworm", ("main",)),
        AptSource("https://vendor.example/repo", "bookworm", ("stable",)),
        AptSource("https://vendor.example/apt", "bookworm", ("main",), "/usr/share/keyrings/vendor.gpg"),
        AptSource("http://mirror.example/debian-security", "bookworm-security", ("main",), KEYS),
        AptSource("http://mirror.example/debian", "bookworm", ("main",), KEYS),
    ]
    own = distribution_sources(sources, "bookworm")
    assert [s.uri for s in own] == ["http://mirror.example/debian", "http://mirror.example/debian-security"]
    assert sources_for("sid", sources, "bookworm") == [
        [AptSource("http://mirror.example/debian", "sid", ("main",), KEYS)]
    ]
    assert sources_for(None, sources, "bookworm") == [own]
    assert sources_for("sid", sources[:2], "bookworm") == []


def test_both_forms_are_found_on_a_machine(tmp_path: Path) -> None:
    parts = tmp_path / "etc/apt/sources.list.d"
    parts.mkdir(parents=True)
    (parts / "debian.sources").write_text("Types: deb\nURIs: http://b\nSuites: s\nComponents: main\n")
    (parts / "old.list.save").write_text("deb http://c s main\n")
    (tmp_path / "etc/apt/sources.list").write_text("deb http://a s main\n")
    assert [s.uri for s in machine_sources(tmp_path)] == ["http://a", "http://b"]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("Asterisk 22.10.1~dfsg+~cs6.17-1", (22, 10, 1)),
        ("Asterisk certified-22.8-cert1", (22, 8)),
        ("1:22.10.1~dfsg+~cs6.17.60671434-1", (22, 10, 1)),
        ("eSpeak NG text-to-speech: 1.52.0  Data at: /usr/lib", (1, 52, 0)),
        ("1.51+dfsg-10+deb12u2", (1, 51)),
        ("", ()),
    ],
)
def test_versions_are_read_as_numbers(text: str, numbers: tuple[int, ...]) -> None:
    assert version_numbers(text) == numbers


@pytest.mark.parametrize(
    ("on_path", "brought", "distribution", "taken"),
    [
        ("22.1", "22.10.1", "23.0", "path"),
        ("20.5", "22.10.1", "23.0", "brought"),
        ("20.5", None, "1:22.3~dfsg", "distribution"),
        (None, None, "1:20.9~dfsg", "newest"),
        (None, None, None, "newest"),
    ],
)
def test_the_nearest_new_enough_one_is_taken(
    on_path: str | None, brought: str | None, distribution: str | None, taken: str
) -> None:
    assert choose((22,), on_path=on_path, brought=brought, distribution=distribution) == taken


def test_another_version_than_the_tested_one_is_warned_of(exchange_prefix: Asterisk) -> None:
    told = packages.Program(("asterisk",), provision.TESTED_ASTERISK)
    assert Asterisk(told, Path(), Path()).warning is None
    other = Asterisk(packages.Program(("asterisk",), "23.1.0"), Path(), Path())
    assert other.warning is not None
    assert "23.1.0" in other.warning
    assert provision.TESTED_ASTERISK in other.warning


def test_without_apt_the_remedy_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PackageError, match=r"no apt(.|\n)*bundle"):
        provision.provision_asterisk(tmp_path / "cache")


def test_without_a_mirror_the_remedy_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = AptSource("http://127.0.0.1:9/debian", apt._codename(), ("main",), KEYS)
    monkeypatch.setattr(apt, "machine_sources", lambda: [gone])
    with pytest.raises(PackageError, match=r"could not be read(.|\n)*Look at the network"):
        unpack(["hello"], name="hello", cache=tmp_path, say=lambda _: None)
    assert Prefix.load(prefix_folder(tmp_path, "hello")) is None


# ---- a package made here, so that no network is needed ---------------------------------------------------------------


@pytest.fixture
def small_deb(tmp_path: Path) -> Deb:
    """A package of one file, which is set-user-id, in ``<cache>/debs/own``."""
    tree = tmp_path / "tree"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "usr/bin").mkdir(parents=True)
    (tree / "DEBIAN/control").write_text(
        f"Package: tiny\nVersion: 1:2.0\nArchitecture: {architecture()}\nMaintainer: a <a@example.org>\n"
        "Description: tiny\n"
    )
    (tree / "usr/bin/tiny").write_text("#!/bin/sh\necho tiny\n")
    (tree / "usr/bin/tiny").chmod(0o4755)
    folder = tmp_path / "cache/debs/own"
    folder.mkdir(parents=True)
    file = f"tiny_1%3a2.0_{architecture()}.deb"
    subprocess.run(["dpkg-deb", "-b", "--root-owner-group", str(tree), str(folder / file)], check=True)
    content = (folder / file).read_bytes()
    return Deb(file, len(content), sha256(content).hexdigest())


def test_a_prefix_appears_whole_and_without_special_bits(tmp_path: Path, small_deb: Deb) -> None:
    cache = tmp_path / "cache"
    left = cache / "prefixes" / f".tiny-{architecture()}.dead"
    left.mkdir(parents=True)
    target = prefix_folder(cache, "tiny")
    prefix = build_prefix(target, cache / "debs/own", [small_deb], "own", lambda _: None)
    assert prefix.versions == {"tiny": "1:2.0"}
    assert (target / "usr/bin/tiny").stat().st_mode & 0o7777 == 0o755
    assert Prefix.load(target) == prefix
    assert [entry.name for entry in target.parent.iterdir()] == [target.name], "what was left over is gone"


def test_a_tree_that_was_not_finished_is_not_taken_for_a_prefix(tmp_path: Path) -> None:
    (tmp_path / "usr/sbin").mkdir(parents=True)
    assert Prefix.load(tmp_path) is None
    (tmp_path / packages.MANIFEST).write_text('{"suite": "sid"')
    assert Prefix.load(tmp_path) is None


def test_a_damaged_package_is_not_unpacked(tmp_path: Path, small_deb: Deb) -> None:
    path = tmp_path / "cache/debs/own" / small_deb.file
    path.write_bytes(b"x" * small_deb.size)
    target = prefix_folder(tmp_path / "cache", "tiny")
    with pytest.raises(PackageError, match="damaged"):
        build_prefix(target, path.parent, [small_deb], "own", lambda _: None)
    assert not target.exists()


def _bring_tiny(cache: Path, deb: Deb, builds: Path) -> None:
    class Here:
        """Stands where apt would be: the package is in the cache already."""

        @classmethod
        def open(cls, *_: object, **__: object) -> "Here":
            with builds.open("a") as file:
                file.write(f"{os.getpid()}\n")
            return cls()

        def resolve(self, _: object) -> list[Deb]:
            return [deb]

        def download(self, _: object) -> Path:
            return cache / "debs/own"

    packages.Apt = Here  # type: ignore[assignment,misc]
    unpack(["tiny"], name="tiny", cache=cache, say=lambda _: None)


def test_two_processes_at_once_bring_it_once(tmp_path: Path, small_deb: Deb) -> None:
    builds = tmp_path / "builds"
    context = multiprocessing.get_context("fork")
    both = [context.Process(target=_bring_tiny, args=(tmp_path / "cache", small_deb, builds)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join(60)
    assert [process.exitcode for process in both] == [0, 0]
    assert len(builds.read_text().splitlines()) == 1


def test_a_bundle_carries_a_prefix_to_another_cache(tmp_path: Path, small_deb: Deb) -> None:
    here, there, file = tmp_path / "cache", tmp_path / "there", tmp_path / "x.bundle"
    build_prefix(prefix_folder(here, "tiny"), here / "debs/own", [small_deb], "own", lambda _: None)
    make_bundle(file, ["tiny"], cache=here, say=lambda _: None)
    assert [p.root for p in take_bundle(file, cache=there, say=lambda _: None)] == [prefix_folder(there, "tiny")]
    assert (prefix_folder(there, "tiny") / "usr/bin/tiny").exists()
    # What was taken can be given on.
    make_bundle(tmp_path / "y.bundle", ["tiny"], cache=there, say=lambda _: None)


def _write_bundle(file: Path, contents: object, members: dict[str, bytes]) -> None:
    with tarfile.open(file, "w") as archive:
        for name, content in {"bundle.json": json.dumps(contents).encode(), **members}.items():
            head = tarfile.TarInfo(name)
            head.size = len(content)
            archive.addfile(head, io.BytesIO(content))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"architecture": "m68k"}, "made for m68k"),
        ({"file": "../../evil.deb"}, "outside its own folder"),
        ({"suite": "../sid"}, "outside its own folder"),
        ({"name": "../../home"}, "outside its own folder"),
        ({"sha256": "0" * 64}, "damaged"),
        ({"size": 3}, "lacks"),
        ({"size": "many"}, "cannot be read"),
    ],
)
def test_a_bad_bundle_is_refused_and_changes_nothing(
    tmp_path: Path, small_deb: Deb, change: dict[str, str], said: str
) -> None:
    content = (tmp_path / "cache/debs/own" / small_deb.file).read_bytes()
    deb = {**vars(small_deb), **{k: v for k, v in change.items() if k in {"file", "sha256", "size"}}}
    told = {
        "architecture": change.get("architecture", architecture()),
        "prefixes": {change.get("name", "tiny"): {"suite": change.get("suite", "own"), "debs": [deb]}},
    }
    _write_bundle(tmp_path / "bad", told, {f"debs/{deb['file']}": content})
    cache = tmp_path / "there"
    with pytest.raises(PackageError, match=said):
        take_bundle(tmp_path / "bad", cache=cache, say=lambda _: None)
    assert [entry.name for entry in cache.iterdir()] == ["lock"]
    assert not (tmp_path / "evil.deb").exists()


def test_a_file_that_is_no_bundle_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad").write_bytes(b"no archive at all")
    with pytest.raises(PackageError, match="cannot be read as a bundle"):
        take_bundle(tmp_path / "bad", cache=tmp_path / "there", say=lambda _: None)


@pytest.mark.exchange
def test_the_brought_programs_run(exchange_prefix: Asterisk, espeak: packages.Program, tmp_path: Path) -> None:
    told = subprocess.run([*exchange_prefix.program.command, "-V"], capture_output=True, text=True, check=True)
    assert version_numbers(told.stdout) >= provision.MINIMUM_ASTERISK
    assert (exchange_prefix.modules / "app_queue.so").exists()
    out = tmp_path / "x.wav"
    subprocess.run(
        [*espeak.command, "-v", "cmn", "-w", str(out), "您好"], env={**os.environ, **espeak.environment}, check=True
    )
    assert out.stat().st_size > 5000
