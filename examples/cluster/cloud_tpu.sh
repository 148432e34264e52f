#!/bin/bash
# Train on a slice of Cloud TPU spot VMs, and resume on a new slice whenever it is preempted. Run it from the
# repository's root, on a machine that stays up and has gcloud:
#   TPU_NAME=gan ZONE=europe-west4-b SHARE=10.0.0.2:/gan examples/cluster/cloud_tpu.sh --epochs 40
# SHARE is an NFS share in the slice's network, such as one of Filestore.
set -uo pipefail
: "${TPU_NAME:?}" "${ZONE:?}" "${SHARE:?}"
: "${ACCELERATOR_TYPE:=v5litepod-16}" "${RUNTIME_VERSION:=v2-alpha-tpuv5-lite}"

tpu() {
  local verb=$1
  shift
  gcloud compute tpus tpu-vm "$verb" "$@" --zone="$ZONE"
}

on_all_workers() {
  tpu ssh "$TPU_NAME" --worker=all --command="$1"
}

state() {
  tpu describe "$TPU_NAME" --format="value(state)" 2>/dev/null
}

# The VMs' own Python may be older than 3.11, which gan_jax needs, so uv installs one.
prepare() {
  git archive --format=tar.gz --output="$archive" HEAD &&
    tpu scp "$archive" "$TPU_NAME:gan_jax.tar.gz" --worker=all &&
    on_all_workers "set -e
      mkdir -p gan_jax && tar -xzf gan_jax.tar.gz -C gan_jax && cd gan_jax
      python3 -m pip install --quiet --user uv
      [ -d .venv ] || python3 -m uv venv --quiet --python 3.11 .venv
      python3 -m uv pip install --quiet --python .venv/bin/python '.[tpu]'
      mountpoint -q /mnt/gan || {
        sudo apt-get install -qq -y nfs-common
        sudo mkdir -p /mnt/gan
        sudo mount -t nfs '$SHARE' /mnt/gan
      }"
}

archive=$(mktemp --suffix=.tar.gz) || exit 1
trap 'rm -f "$archive"' EXIT
train="cd gan_jax && exec .venv/bin/python experiments/train_gan.py --distributed --output-dir /mnt/gan/run --resume"
for flag in "$@"; do
  train+=" $(printf %q "$flag")"
done

while true; do
  case $(state) in
    READY)
      prepare && on_all_workers "$train" && exit 0
      status=$?
      sleep 120 # after this time the state says whether the slice was preempted
      if [ "$(state)" = READY ] && [ "$status" -ne 143 ]; then
        exit "$status"
      fi
      ;;
    "") # there is no slice
      tpu create "$TPU_NAME" --accelerator-type="$ACCELERATOR_TYPE" --version="$RUNTIME_VERSION" --spot || sleep 300
      ;;
    PREEMPTED | TERMINATED)
      tpu delete "$TPU_NAME" --quiet || sleep 60
      ;;
    *) # a transition, such as CREATING
      sleep 60
      ;;
  esac
done
