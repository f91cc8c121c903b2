"""The compressor's command lines: what is left on the disk, the exit code, the line on standard error."""

import json
import os
import resource
import shutil
import signal
import stat
import subprocess
import sys

import pytest

from nextstroke.cli.main import main
from nextstroke.cli.verbs import make_command
from tests.compression.conftest import TEXT

NAMES = "text", "text.nst"


@pytest.fixture(scope="session")
def archive(tmp_path_factory):
    """What `compress` makes of the text."""
    path = tmp_path_factory.mktemp("archive") / "text"
    path.write_bytes(TEXT)
    assert main(["compress", str(path)]) == 0
    return path.with_name("text.nst").read_bytes()


@pytest.fixture
def folder(tmp_path, monkeypatch, archive):
    """A folder with a text, and its archive as `text.nst`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text").write_bytes(TEXT)
    (tmp_path / "text.nst").write_bytes(archive)
    return tmp_path


@pytest.mark.parametrize(
    ("line", "code", "says", "left"),
    [
        ("compress text", 2, "text.nst: is there already; give -f to replace it", NAMES),
        ("compress text -f", 0, "", NAMES),
        ("compress text -f -k", 0, "", NAMES),
        ("compress text -f --rm", 0, "", ("text.nst",)),
        ("compress text -o a.nst", 0, "", ("a.nst", *NAMES)),
        ("compress text -o text -f", 2, "text: is the file to read; give another name with -o", NAMES),
        ("compress text.nst", 2, "text.nst: has the suffix .nst already; give -o to compress it once more", NAMES),
        ("compress nowhere", 3, "nowhere: cannot be read (No such file or directory); give a file that", NAMES),
        ("compress text -o no/a", 2, "no/a: cannot be written; name a file in a folder that exists", NAMES),
        ("compress text text.nst -o a", 2, "-o a for 2 files; give one file, a folder, or -c to join", NAMES),
        (
            "compress text -f --model nowhere",
            3,
            "nowhere: no such model file, and no bundled model of that name",
            NAMES,
        ),
        ("compress -t text.nst", 0, "", NAMES),
        ("compress -t text", 3, "text: not an archive of nextstroke (it begins with 54686520); give a file", NAMES),
        ("compress -d text.nst", 2, "text: is there already; give -f to replace it", NAMES),
        ("compress -d -f --rm text.nst", 0, "", ("text",)),
        ("decompress text.nst -f", 0, "", NAMES),
        ("decompress text.nst -o a", 0, "", ("a", *NAMES)),
        ("decompress text", 2, "text: has no suffix .nst to take off; give -o FILE or -c", NAMES),
        ("decompress text.nst -o a --max-output 9", 5, "text.nst: holds more than 9 bytes; raise --max-output", NAMES),
        ("compress text -f --max-output 9", 2, "--max-output: has no meaning with compressing; leave it out", NAMES),
        ("compress -l text.nst -o a", 2, "--output: has no meaning with --list; leave it out", NAMES),
        ("compress -t text.nst --rm", 2, "--rm: has no meaning with --test; leave it out", NAMES),
        ("compress -t text.nst --max-output 9", 5, "text.nst: holds more than 9 bytes", NAMES),
        ("compress .", 3, ".: cannot be read (Is a directory); give a file, or -r", NAMES),
        ("compress text text -f", 1, "text: another of the files goes to text.nst too", NAMES),
        ("compress . -o a", 3, ".: cannot be read (Is a directory); give a file, or -r for the files in it", NAMES),
        ("compress text nowhere -f", 1, "nowhere: cannot be read (No such file or directory)", NAMES),
        ("compress nowhere text.nst text -f", 1, "text.nst: has the suffix .nst already", NAMES),
        ("decompress -d text.nst -f", 0, "", NAMES),
        ("compress --filelist nowhere", 3, "nowhere: cannot be read", NAMES),
        ("decompress text.nst -o a --threads -1", 2, "invalid value for '--threads'", NAMES),
    ],
)
def test_what_a_line_leaves(folder, capsys, line, code, says, left):
    assert main(line.split()) == code
    assert capsys.readouterr().err.startswith(f"nextstroke: {says}" if says else "")
    assert sorted(os.listdir(folder)) == sorted(left)
    assert all((folder / name).read_bytes() == TEXT for name in os.listdir(folder) if not name.endswith(".nst"))


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-1], lambda data: data[:40] + b"?" + data[41:], lambda data: b""]
)
def test_a_broken_archive_leaves_no_file(folder, damage):
    data = (folder / "text.nst").read_bytes()
    (folder / "bad.nst").write_bytes(damage(data))
    assert main(["decompress", "bad.nst"]) == 3
    assert main(["compress", "-t", "bad.nst"]) == 3
    assert main(["compress", "-l", "bad.nst"]) == 3
    assert sorted(os.listdir(folder)) == ["bad.nst", "text", "text.nst"]


def test_mode_and_times_go_to_the_archive_and_to_the_copy(folder):
    os.chmod("text", 0o640)
    os.utime("text", ns=(10**18, 10**18))
    assert main(["compress", "text", "-f"]) == 0
    assert main(["decompress", "text.nst", "-o", "copy"]) == 0
    for name in ("text.nst", "copy"):
        status = os.stat(name)
        assert stat.S_IMODE(status.st_mode) == 0o640
        assert status.st_mtime_ns == 10**18


@pytest.mark.parametrize("line", ["compress text -f -o private", "decompress text.nst -f -o private"])
def test_a_private_file_that_is_replaced_stays_private(folder, line):
    (folder / "private").touch(0o600)
    assert main(line.split()) == 0
    assert stat.S_IMODE(os.stat("private").st_mode) == 0o600


@pytest.mark.parametrize("target", ["/dev/null", "pipe", "link", "-"])
@pytest.mark.parametrize("verb", ["compress text", "decompress text.nst"])
def test_an_original_is_not_removed_where_nothing_keeps_its_data(folder, capsys, verb, target):
    os.mkfifo("pipe")
    os.symlink("/dev/null", "link")
    assert main([*verb.split(), "--rm", "-f", "-o", target]) == 2
    assert "--rm would lose it" in capsys.readouterr().err
    assert sorted(os.listdir(folder)) == ["link", "pipe", *NAMES]


@pytest.fixture
def cut(folder, monkeypatch):
    """An archive of two whole members and a part of a third, as `cut.nst`; gives the data of the two."""
    monkeypatch.setattr("nextstroke.compression.stream.SEGMENT", 100)
    monkeypatch.setattr("nextstroke.compression.stream._is_hopeless", lambda data: True)
    assert main(["compress", "text", "-o", "long.nst"]) == 0
    whole = (folder / "long.nst").read_bytes()
    (folder / "cut.nst").write_bytes(whole[:-20])
    return TEXT[:200]


def test_data_before_a_damage_are_kept_on_request_and_reported(cut, folder, capfdbinary):
    assert main(["decompress", "cut.nst", "--keep-broken", "--rm"]) == 3
    assert (folder / "cut").read_bytes() == cut
    assert (folder / "cut.nst").exists()
    err = capfdbinary.readouterr().err
    assert err.startswith(b"nextstroke: cut.nst: cut short; ")
    assert err.endswith(b"the 200 bytes of data before the damage are in cut\n")
    assert main(["decompress", "cut.nst", "--keep-broken", "-c"]) == 3
    assert capfdbinary.readouterr().out == cut


def test_without_a_whole_member_before_the_damage_no_file_is_left(folder, capsys):
    (folder / "bad.nst").write_bytes((folder / "text.nst").read_bytes()[:-1])
    assert main(["decompress", "bad.nst", "--keep-broken"]) == 3
    assert "nothing could be rescued" in capsys.readouterr().err
    assert not (folder / "bad").exists()


def test_a_list_shows_joined_archives(folder, capsys):
    (folder / "joined.nst").write_bytes((folder / "text.nst").read_bytes() * 2)
    assert main(["compress", "-l", "joined.nst"]) == 0
    assert capsys.readouterr().out.endswith(", 2 members of 2 joined archives\n")
    assert main(["compress", "-l", "--json", "joined.nst"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert (listed["size"], listed["members"], listed["archives"]) == (2 * len(TEXT), 2, 2)


def test_a_list_shows_sizes_without_decoding(folder, capsys):
    packed = os.path.getsize("text.nst")
    assert main(["compress", "-l", "text.nst"]) == 0
    assert capsys.readouterr().out.startswith(f"text.nst: {len(TEXT)} bytes in {packed} (")


def test_figures_as_json(folder, capsys):
    assert main(["decompress", "text.nst", "-o", "a", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["file"], told["size"], told["packed"]) == ("text.nst", len(TEXT), os.path.getsize("text.nst"))


START = "from nextstroke.cli.main import main; raise SystemExit(main())"


def nextstroke(*arguments, **options):
    return subprocess.run([sys.executable, "-W", "error", "-c", START, *arguments], timeout=240, **options)


def test_pipes_carry_bytes_both_ways():
    packed = nextstroke("compress", input=TEXT, capture_output=True, check=True)
    restored = nextstroke("compress", "-d", "-", input=packed.stdout, capture_output=True, check=True)
    assert (restored.stdout, packed.stderr, restored.stderr) == (TEXT, b"", b"")


@pytest.mark.skipif(not os.path.exists("/proc/self/task") or os.cpu_count() == 1, reason="threads cannot be counted")
@pytest.mark.parametrize("verb", ["compress -f text", "decompress -f text.nst", "compress -t text.nst"])
def test_products_are_not_shared_among_threads(folder, verb):
    run_here = START.replace("raise SystemExit(main())", "main()")
    count = f"import os; {run_here}; print(len(os.listdir('/proc/self/task')))"
    env = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    run = subprocess.run([sys.executable, "-c", count, *verb.split()], capture_output=True, env=env, check=True)
    assert int(run.stdout) <= 2  # the program, and one of the runtime's that only waits


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
def test_a_full_disk_is_reported(folder):
    with open("/dev/full", "wb") as full:
        run = nextstroke("decompress", "-c", "text.nst", stdout=full, stderr=subprocess.PIPE)
    assert run.returncode == 5
    assert b"no room left" in run.stderr


def test_a_file_that_may_not_grow_is_not_left(folder):
    def small():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (50, 50))

    run = nextstroke("decompress", "text.nst", "-o", "a", stderr=subprocess.PIPE, preexec_fn=small)
    assert run.returncode == 5
    assert sorted(os.listdir(folder)) == sorted(NAMES)


def test_a_consumer_that_leaves_is_not_complained_about(folder):
    read, write = os.pipe()
    os.close(read)
    run = nextstroke("decompress", "-c", "text.nst", stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    assert (run.returncode, run.stderr) == (141, b"")


def test_an_interrupted_compression_leaves_no_file(tmp_path):
    (tmp_path / "long").write_bytes(TEXT * 3000)
    command = [sys.executable, "-c", START, "compress", "long"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE) as process:
        while len(os.listdir(tmp_path)) == 1:
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=240)
    assert (process.returncode, err) == (130, b"nextstroke: stopped by SIGINT\n")
    assert os.listdir(tmp_path) == ["long"]


@pytest.fixture
def tree(folder):
    """A folder "notes" with two texts, one in a subfolder, an archive, a link and a pipe."""
    inner = folder / "notes" / "deep"
    inner.mkdir(parents=True)
    (folder / "notes" / "a").write_bytes(TEXT[:50])
    (inner / "b").write_bytes(TEXT[50:])
    (folder / "text.nst").rename(inner / "old.nst")
    (inner / "link").symlink_to(folder / "text")
    os.mkfifo(inner / "pipe")
    return folder


def files(folder):
    return sorted(
        str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and not path.is_symlink()
    )


def test_the_files_of_folders_are_compressed_and_come_back(tree, capsys):
    before = files(tree / "notes")
    assert main(["compress", "-r", "notes"]) == 0
    assert capsys.readouterr().err == "nextstroke: passed over 1 files that have the suffix .nst\n"
    assert files(tree / "notes") == sorted([*before, "a.nst", "deep/b.nst"])
    assert main(["decompress", "-r", "notes", "-o", "back"]) == 0
    assert files(tree / "back") == ["notes/a", "notes/deep/b", "notes/deep/old"]
    assert (tree / "back/notes/deep/b").read_bytes() == TEXT[50:]


@pytest.mark.parametrize(
    ("line", "made"),
    [
        ("compress -r notes -o out", ["notes/a.nst", "notes/deep/b.nst"]),
        ("compress -r notes/deep text -o out", ["deep/b.nst", "text.nst"]),
        ("compress text notes/a -o out/", ["a.nst", "text.nst"]),
        ("compress --filelist list -o out/", ["b.nst", "text.nst"]),
        ("compress text --filelist list -o out/", ["b.nst", "text.nst"]),
    ],
)
def test_a_folder_takes_what_comes_of_all(tree, line, made):
    (tree / "list").write_text("text\n\nnotes/deep/b\n")
    assert main(line.split()) == (1 if line.startswith("compress text --filelist") else 0)  # text is named twice there
    assert files(tree / "out") == made


def test_with_a_dot_the_places_are_those_in_it(tree, monkeypatch):
    monkeypatch.chdir(tree / "notes")
    assert main(["compress", "-r", ".", "-o", "../out"]) == 0
    assert files(tree / "out") == ["a.nst", "deep/b.nst"]


def test_two_files_of_one_name_do_not_overwrite_each_other(tree, capsys):
    (tree / "notes/deep/a").write_bytes(b"another")
    assert main(["compress", "notes/a", "notes/deep/a", "-f", "-o", "./"]) == 1
    assert "notes/deep/a: another of the files goes to ./a.nst too" in capsys.readouterr().err
    assert main(["decompress", "-c", "a.nst"]) == 0


def test_a_file_that_is_missing_does_not_keep_the_others_from_it(folder, capsys):
    (folder / "more").write_bytes(b"more")
    assert main(["compress", "nowhere", "more", "--rm"]) == 1
    assert capsys.readouterr().err.startswith("nextstroke: nowhere: cannot be read")
    assert sorted(os.listdir(folder)) == ["more.nst", "text", "text.nst"]
    # Targets are checked before any file is read, so that what is wrong with one comes first.
    assert main(["decompress", "nowhere.nst", "text.nst", "more.nst", "--rm"]) == 1
    err = capsys.readouterr().err.splitlines()
    assert [line.split(":")[1] for line in err] == [" text", " nowhere.nst"]
    assert sorted(os.listdir(folder)) == ["more", "text", "text.nst"]


def test_a_bug_in_one_of_several_files_is_said(folder, capsys, monkeypatch):
    def broken(*arguments):
        raise ZeroDivisionError("a")

    (folder / "more").write_bytes(b"more")
    monkeypatch.setattr("nextstroke.compression.files_in_out.compress_stream", broken)
    assert main(["compress", "nowhere", "more"]) == 1
    assert "internal error (bug): ZeroDivisionError" in capsys.readouterr().err
    assert not (folder / "more.nst").exists()


# Of each option: arguments, and the ways to use the command that have a use for it; the others refuse it.
ARCHIVES = {"list", "test", "compress", "decompress"}
EACH = ARCHIVES | {"message"}
WRITES = {"compress", "decompress"}
OPTIONS = {
    "files": ([], EACH),
    "stdout": (["--stdout"], WRITES | {"message"}),
    "keep": (["--keep"], EACH),
    "rm": (["--rm"], WRITES),
    "force": (["--force"], WRITES | {"message"}),
    "output": (["--output", "made"], WRITES | {"message"}),
    "recursive": (["--recursive"], ARCHIVES),
    "filelist": (["--filelist", "names"], ARCHIVES),
    "test": (["--test"], {"test"}),
    "list_": (["--list"], {"list"}),
    "decompress": (["--decompress"], {"decompress"}),
    "model": (["--model", "text"], ARCHIVES - {"list"}),
    "threads": (["--threads", "1"], ARCHIVES - {"list"}),
    "max_output": (["--max-output", "99999"], {"test", "decompress"}),
    "as_json": (["--json"], ARCHIVES),
    "message": (["--message"], {"message"}),
    "text": (["--text"], {"message"}),
    "check": (["--check", "1"], {"message"}),
}
USES = {"list": ["-l"], "test": ["-t"], "compress": [], "decompress": ["-d"], "message": ["--message"]}
CHOOSING = {"--test", "--list", "--decompress", "--message"}


def test_every_option_of_compress_is_in_the_table():
    names = {param.name for param in make_command().get_command(None, "compress").params}
    assert names == set(OPTIONS) - {"rm"}


@pytest.mark.parametrize("use", USES)
def test_an_option_of_compress_is_used_or_refused(tmp_path, monkeypatch, archive, capfdbinary, use):
    """Values are the usual ones where they can be: what is given is refused, not what differs."""
    for name, (words, uses) in OPTIONS.items():
        if set(words) & CHOOSING and (use in uses or (name, use) == ("message", "compress")):
            continue  # the use itself
        folder = tmp_path / name
        folder.mkdir()
        monkeypatch.chdir(folder)
        source = "text" if use in ("compress", "message") else "text.nst"
        data = {"compress": TEXT, "message": b"See you at noon."}.get(use, archive)
        (folder / source).write_bytes(data)
        (folder / "names").write_text(source)
        given = [] if name == "filelist" else [source]
        code = main(["compress", *USES[use], *words, *given])
        told = capfdbinary.readouterr().err.decode()
        if name == "rm" and use in uses:
            assert (code, (folder / source).exists()) == (0, False)
        elif use in uses:
            assert code == 0, (name, told)
        elif use == "compress" and words[0] in CHOOSING:
            assert code in (2, 3), name  # another use of a file that is no archive
        else:
            assert code == 2, f"{words[0]} is taken with {use}"
            assert "has no meaning with " in told, told
            assert words[0] in told


@pytest.mark.parametrize("verb", ["compress text", "decompress text.nst"])
def test_two_targets_are_refused(folder, capfdbinary, verb):
    assert main([*verb.split(), "-c", "-o", "made"]) == 2
    assert capfdbinary.readouterr().err == b"nextstroke: --stdout and --output made: give one of them\n"
    assert sorted(os.listdir(folder)) == sorted(NAMES)


@pytest.mark.parametrize("option", ["-l", "-t"])
def test_lists_and_tests_go_on_too(folder, capsys, option):
    (folder / "cut.nst").write_bytes((folder / "text.nst").read_bytes()[:-1])
    assert main(["compress", option, "cut.nst", "text.nst", "nowhere.nst"]) == 1
    out, err = capsys.readouterr()
    assert [line.split(":")[1] for line in err.splitlines()] == [" cut.nst", " nowhere.nst"]
    assert out.startswith("text.nst: " if option == "-l" else "")


def test_a_folder_without_files_is_named(folder, capsys):
    (folder / "empty").mkdir()
    assert main(["compress", "-r", "empty"]) == 3
    assert capsys.readouterr().err == "nextstroke: empty: no files to compress there\n"
    (folder / "names").write_text("\n \n")
    assert main(["compress", "--filelist", "names"]) == 3
    assert capsys.readouterr().err.startswith("nextstroke: names: has no names of files")
    (folder / "names").write_bytes(b"text\nte\0xt\n")
    assert main(["compress", "--filelist", "names"]) == 3
    assert capsys.readouterr().err.startswith("nextstroke: names: has a NUL byte")


def test_a_list_without_an_end_is_refused(folder, capsys):
    assert main(["compress", "--filelist", "/dev/zero"]) == 5
    assert capsys.readouterr().err.startswith("nextstroke: /dev/zero: longer than 16777216 bytes")


def test_names_come_from_standard_input(folder):
    done = nextstroke("compress", "--filelist", "-", "-f", cwd=folder, input=b"text\n", capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("program", ["compress", "decompress"])
def test_tar_packs_and_unpacks_with_it(folder, program):
    if not shutil.which("tar"):
        pytest.skip("NOT TESTED: tar is missing")
    script = folder / "nst"
    script.write_text(f"#!/bin/sh\nexec {sys.executable} -c '{START}' compress --model none \"$@\"\n")
    script.chmod(0o755)
    subprocess.run(["tar", "-I", str(script), "-cf", "a.tar.nst", "text"], cwd=folder, check=True)
    if program == "decompress":
        script.write_text(f"#!/bin/sh\nexec {sys.executable} -c '{START}' decompress \"$@\"\n")
    (folder / "back").mkdir()
    subprocess.run(["tar", "-I", str(script), "-xf", "a.tar.nst", "-C", "back"], cwd=folder, check=True)
    assert (folder / "back" / "text").read_bytes() == TEXT
