# On a CPU:  docker build --tag gan_jax .
#            docker run --rm --volume "$PWD/runs:/gan/runs" gan_jax train --dataset digits --epochs 2
# On CUDA:   docker build --tag gan_jax:cuda --build-arg EXTRAS=cuda .
#            docker run --rm --gpus all --volume "$PWD/runs:/gan/runs" gan_jax:cuda train
# The wheels of jax[cuda12] bring CUDA's libraries; the host needs NVIDIA's driver and container toolkit.
FROM python:3.12-slim

ARG EXTRAS=tensorboard

COPY . /source
RUN pip install --no-cache-dir "/source[${EXTRAS}]" && rm -rf /source

WORKDIR /gan
ENTRYPOINT ["gan-jax"]
CMD ["--help"]
