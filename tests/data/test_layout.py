"""Which files of a folder or zip are images, of which set and class, and what is said of the others."""

import json
import zipfile

import numpy as np
import pytest
from PIL import Image

from gan_jax import InputError, load_dataset


def write(folder, *names, seed=0):
    """Images of noise under these names; endings without a format of their own get a PNG."""
    random = np.random.default_rng(seed)
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        kind = Image.registered_extensions().get(path.suffix.lower(), "PNG")
        Image.fromarray(random.integers(0, 256, (28, 28, 3), np.uint8)).save(path, kind)
    return folder


def numbered(place, count):
    return [f"{place}/{index}.png" for index in range(count)]


def zipped(path, folder, separator="/"):
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*.*")):
            archive.writestr(str(file.relative_to(folder)).replace("/", separator), file.read_bytes())
    return path


def counts(dataset):
    return len(dataset.train_images), len(dataset.test_images), dataset.class_names


USUAL = ["train val", "Train valid", "training testing", "TRAIN Validation", "train dev", "training_set test_set"]
USUAL += ["seg_train seg_test", "train2017 val2017"]


@pytest.mark.parametrize("inside", ["", "images/"])
@pytest.mark.parametrize(("train", "test"), [*(names.split() for names in USUAL), ("Training Data", "test")])
def test_load_dataset_of_a_split_under_its_usual_names(train, test, inside, tmp_path):
    write(tmp_path / "set", *numbered(f"{train}/{inside}cat", 4), *numbered(f"{train}/{inside}dog", 3))
    write(tmp_path / "set", *numbered(f"{test}/{inside}cat", 1), *numbered(f"{test}/{inside}dog", 1), seed=1)
    dataset = load_dataset(str(tmp_path / "set"))
    assert counts(dataset) == (7, 2, ("cat", "dog"))
    assert dataset.train_labels.tolist() == [0, 0, 0, 0, 1, 1, 1]
    assert f"held out: {test}" in dataset.description


def test_load_dataset_of_two_sets_without_training_images_is_refused(tmp_path):
    write(tmp_path / "set", *numbered("val", 2), *numbered("test", 3))
    with pytest.raises(InputError, match="has test and val, and no folder train; give one of them"):
        load_dataset(str(tmp_path / "set"))


CHUNKS = [f"{number // 1000:05d}/img{number:08d}.png" for number in (0, 3, 999, 1000, 1007, 2000)]
FACES = [f"{number // 1000 * 1000:05d}/{number:05d}.png" for number in (0, 3, 999, 1000, 1007, 2000)]
SPLIT = {"train/a": 10, "train/b": 10, "test/a": 2}
NUMBERS = ["1", "2", "03", "10", "12", "a2", "a10", "b"]
LAYOUTS = {  # folders and the images in each, or names: numbers of training and test images, or of all; classes; texts
    "two domains": ({"trainA": 4, "trainB": 3, "testA": 2, "testB": 1}, (7, 3), "AB", "A (4), B (3)"),
    "sets beside another folder": (
        {"training_set": 9, "test_set": 4, "single_prediction": 2},
        (9, 4),
        (),
        "left out: 2 in single_prediction",
    ),
    "names like those of sets": (
        {"train station": 9, "test tube": 9, "bus": 9, "latest": 9},
        36,
        ("bus", "latest", "test tube", "train station"),
        "",
    ),
    "three sets": ({"train": 5, "val": 2, "test": 3}, (5, 3), (), "held out: test; images left out: 2 in val"),
    "a stray image beside sets": (
        {**SPLIT, "cover.png": 0},
        (20, 2),
        "ab",
        "left out: 1 beside the folders (cover.png)",
    ),
    "a stray folder": ({**SPLIT, "more/cover.png": 0}, (20, 2), "ab", "left out: 1 in more"),
    "a stray image in a set": (
        {**SPLIT, "train/cover.png": 0},
        (20, 2),
        "ab",
        "left out: 1 beside the folders (train/cover.png)",
    ),
    "stray images": (
        {**SPLIT, "cover.png": 0, "icon.png": 0},
        (20, 2),
        "ab",
        "left out: 2 beside the folders (cover.png, ...)",
    ),
    "a split in every class": (
        {"cat/train": 4, "dog/train": 3, "cat/Val": 2},
        (7, 2),
        ("cat", "dog"),
        "cat (4), dog (3); held out: Val",
    ),
    **{
        f"no split but {first} and {second}": (
            {f"cat/{first}": 9, f"dog/{second}": 9},
            18,
            ("cat", "dog"),
            "held out: one image in six",
        )
        for first, second in (("train", "training"), ("train", "more"), ("val", "test"), ("train", "deep/test"))
    },
    "classes and a stray image": ({"a": 20, "b": 20, "cover.png": 0}, 40, "ab", "left out: 1 beside the folders"),
    "many beside classes": ({"a": 5, "b": 5, ".": 5}, 15, (), "since 5 images lie in no folder"),
    "a set without classes": (
        {"train/a": 50, "train/b": 50, "test": 5},
        (100, 5),
        (),
        "held out: test; no classes, since the images of one set",
    ),
    "folders of a thousand": (CHUNKS, 6, (), ""),
    "folders of a thousand faces": (FACES, 6, (), ""),
    "classes with five digits": ({"00000": 4, "00001": 4, "00002": 4}, 12, ("00000", "00001", "00002"), ""),
    "numbered classes": (dict.fromkeys(NUMBERS[::-1], 3), 24, NUMBERS, ""),
}


@pytest.mark.parametrize("case", LAYOUTS)
def test_load_dataset_finds_sets_and_classes(case, tmp_path, capsys):
    places, number, classes, told = LAYOUTS[case]
    counted = places.items() if isinstance(places, dict) else ((name, 0) for name in places)
    names = [name for place, count in counted for name in (numbered(place, count) or [place])]
    dataset = load_dataset(str(write(tmp_path / "set", *names)))
    assert dataset.class_names == tuple(classes)
    sizes = len(dataset.train_images), len(dataset.test_images)
    assert number == (sizes if isinstance(number, tuple) else sum(sizes))
    warned = capsys.readouterr().err
    assert told in dataset.description + warned
    assert ("are left out" in warned) == ("left out" in told)


@pytest.fixture
def chunks(tmp_path):
    """Images in folders of a thousand files, each with a pixel of its class, and their labels."""
    labels = []
    for place, name in enumerate(CHUNKS):
        write(tmp_path / "set", name, seed=place)
        labels.append([name, 3 + 7 * (place % 2)])
    return tmp_path / "set", labels


def save_labels(folder, labels):
    (folder / "dataset.json").write_text(json.dumps({"labels": labels}))
    return folder


@pytest.mark.parametrize("form", [list, dict, lambda rows: [[name.replace("/", "\\"), one] for name, one in rows]])
@pytest.mark.parametrize("place", ["folder", "zip", "zip in a folder"])
def test_load_dataset_takes_the_labels_of_dataset_json(form, place, chunks, tmp_path):
    folder, labels = chunks
    save_labels(folder, form(labels))
    path = {
        "folder": lambda: folder,
        "zip": lambda: zipped(tmp_path / "chunks.zip", folder),
        "zip in a folder": lambda: zipped(tmp_path / "chunks.zip", tmp_path),
    }[place]()
    dataset = load_dataset(str(path))
    assert dataset.class_names == ("3", "10")
    of_image = {np.asarray(Image.open(folder / name)).tobytes(): str(label) for name, label in labels}
    for images, kinds in ((dataset.train_images, dataset.train_labels), (dataset.test_images, dataset.test_labels)):
        assert [dataset.class_names[kind] for kind in kinds] == [of_image[image.tobytes()] for image in images]


def test_load_dataset_of_sets_that_each_have_a_dataset_json(tmp_path):
    for part, count in (("train", 6), ("val", 3)):
        names = numbered("00000", count)
        write(tmp_path / "set" / part, *names, seed=count)
        save_labels(tmp_path / "set" / part, [[name, 5 * (at % 2)] for at, name in enumerate(names)])
    dataset = load_dataset(str(tmp_path / "set"))
    assert counts(dataset) == (6, 3, ("0", "5"))
    assert dataset.train_labels.tolist() == [0, 1, 0, 1, 0, 1]
    assert dataset.test_labels.tolist() == [0, 1, 0]


def test_load_dataset_of_a_dataset_json_in_one_class_folder_says_that_it_is_not_read(tmp_path):
    write(tmp_path / "set", *numbered("a", 9), *numbered("b", 9))
    save_labels(tmp_path / "set" / "a", [[name, 1] for name in numbered(".", 9)])
    dataset = load_dataset(str(tmp_path / "set"))
    assert dataset.class_names == ("a", "b")
    assert "other files: 1 .json" in dataset.description


@pytest.mark.parametrize(
    ("labels", "told"),
    [(None, "as dataset.json says"), ([[name, [0.0, 1.0]] for name in CHUNKS], "labels in dataset.json are no whole")],
)
def test_load_dataset_of_a_dataset_json_without_classes(labels, told, tmp_path):
    write(tmp_path / "set", *numbered("00000", 5), *numbered("00001", 5))
    dataset = load_dataset(str(save_labels(tmp_path / "set", labels)))
    assert counts(dataset)[2] == ()
    assert told in dataset.description


def test_load_dataset_of_labels_for_some_images_leaves_the_others_out(chunks, capsys):
    folder, labels = chunks
    dataset = load_dataset(str(save_labels(folder, labels[:-1])))
    assert len(dataset.train_images) + len(dataset.test_images) == 5
    assert "1 without a label in dataset.json" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"labels": [["elsewhere.png", 0]]}', r"dataset\.json names none of the images"),
        ('{"labels": [1, 2]}', r"dataset\.json is no list of labels"),
        ("{", r"dataset\.json is no list of labels"),
    ],
)
def test_load_dataset_of_a_dataset_json_that_is_wrong(content, message, chunks):
    (chunks[0] / "dataset.json").write_text(content)
    with pytest.raises(InputError, match=message):
        load_dataset(str(chunks[0]))


def test_load_dataset_of_a_zip_with_backslashes_is_that_with_slashes(tmp_path):
    write(tmp_path / "set", *numbered("train/a", 5), *numbered("train/b", 5), *numbered("test/a", 2))
    sets = [load_dataset(str(zipped(tmp_path / f"{at}.zip", tmp_path, by))) for at, by in enumerate("/\\")]
    assert counts(sets[1]) == (10, 2, ("a", "b"))
    assert sets[1].content_hash == sets[0].content_hash


def test_load_dataset_enters_linked_folders_but_none_that_holds_the_link(tmp_path):
    write(tmp_path / "elsewhere", *[f"{index}.png" for index in range(10)])
    write(tmp_path / "set", *numbered("a", 10), seed=1)
    for name, target in (("b", "elsewhere"), ("a/again", "set"), ("c", ""), ("a/broken.png", "nowhere.png")):
        (tmp_path / "set" / name).symlink_to(tmp_path / target)
    dataset = load_dataset(str(tmp_path / "set"))
    assert dataset.class_names == ("a", "b")
    assert len(dataset.train_images) + len(dataset.test_images) == 20
    assert "other files: 1 that are no regular files" in dataset.description


def test_load_dataset_reads_all_endings_of_images_and_counts_the_others(tmp_path):
    endings = ["jpg", "jfif", "jpe", "JPEG", "jp2", "TIF", "png", "apng", "pbm", "tga", "Bmp", "mpo"]
    write(tmp_path / "set", *(f"{index}.{ending}" for index, ending in enumerate(endings * 2)))
    for name in ("a.txt", "b.TXT", "c.heic", "LICENSE", ".hidden.png"):
        (tmp_path / "set" / name).write_bytes(b"x")
    dataset = load_dataset(str(tmp_path / "set"))
    assert len(dataset.train_images) + len(dataset.test_images) == 24
    assert "other files: 2 .txt, 1 without an ending, 1 .heic" in dataset.description
    capital = zipped(tmp_path / "SET.ZIP", tmp_path / "set")
    assert load_dataset(str(capital)).content_hash
    (tmp_path / "other").mkdir()
    (tmp_path / "other/c.heic").write_bytes(b"x")
    with pytest.raises(InputError, match=r"holds no image files \(only 1 \.heic\)"):
        load_dataset(str(tmp_path / "other"))


@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_load_dataset_of_few_images_has_both_sets(count, tmp_path):
    for seed in range(4):
        folder = write(tmp_path / str(seed), *(f"{index}.png" for index in range(count)), seed=seed)
        dataset = load_dataset(str(folder))
        assert len(dataset.test_images) >= 1 <= len(dataset.train_images)
        assert len(dataset.train_images) + len(dataset.test_images) == count


def test_load_dataset_of_ordinary_folders_gives_the_arrays_that_runs_have_recorded(tmp_path):
    write(tmp_path / "set", *numbered("dogs", 9), *numbered("cats/deep", 9))
    assert load_dataset(str(tmp_path / "set")).content_hash[:16] == "808e48fb8e636ea5"
    write(tmp_path / "split", *numbered("train/b", 4), *numbered("train/a", 4), *numbered("test/a", 3))
    assert load_dataset(str(tmp_path / "split")).content_hash[:16] == "66b3c144967ee19f"


def test_description_names_what_there_is(tmp_path):
    assert load_dataset("digits").description == (
        "digits: 1,500 training images and 297 for tests, 28×28, grey; 10 classes: 0 (151), 1 (151), 2 (150), 3 (153), "
        "4 (148), 5 (152), 6 (151), 7 (149), 8 (146), 9 (149); held out: the published test images"
    )
    many = write(tmp_path / "many", *(f"class {index}/{at}.png" for index in range(30) for at in range(2)))
    assert "30 classes: class 0 (" in load_dataset(str(many)).description
    assert "class 19 (2), ...; held out" in load_dataset(str(many)).description.replace("(1)", "(2)")
