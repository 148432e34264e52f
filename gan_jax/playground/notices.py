"""What the licences of the data sets ask to be said beside their images."""

_MIT = """Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated \
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the \
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit \
persons to whom the Software is furnished to do so, subject to the following conditions: The above copyright notice \
and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE \
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR \
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR \
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE."""

_NOTICES = {
    "fashion_mnist": "Training images: Fashion-MNIST, The MIT License (MIT), Copyright © 2017 Zalando SE.\n\n" + _MIT,
    "mnist": "Training images: MNIST, by Y. LeCun, C. Cortes and C. J. C. Burges, licensed under CC BY-SA 3.0.",
    "kmnist": "Training images: KMNIST, by T. Clanuwat et al., licensed under CC BY-SA 4.0, adapted from the "
    "Kuzushiji Dataset by NIJL and others, doi:10.20676/00000341.",
    "digits": "Training images: Optical Recognition of Handwritten Digits, by E. Alpaydin and C. Kaynak, UCI Machine "
    "Learning Repository, licensed under CC BY 4.0; enlarged to 28×28.",
    "twemoji": "Training images: Twemoji, Copyright Twitter, Inc and other contributors, graphics licensed under CC BY "
    "4.0, https://creativecommons.org/licenses/by/4.0/; drawn on white.",
}


def notice_of(dataset_name: str | None) -> str:
    """The notice, its first paragraph for the page's foot and the rest behind it; empty if there is none to give."""
    return _NOTICES.get(dataset_name or "", "")
