//! A disk whose power can be cut: ext4 in an image file behind a loop device. The image file holds
//! what the device was asked to write, and nothing of the page cache above it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

const IMAGE_BYTES: u64 = 128 << 20;

/// A mounted image; unmounted when dropped.
#[derive(Debug)]
pub struct Disk {
    image: PathBuf,
    at: PathBuf,
    mounted: bool,
}

impl Disk {
    /// Makes an image in `dir` and mounts it.
    ///
    /// # Errors
    /// When the machine does not allow it: root, loop devices and mkfs.ext4 are needed.
    pub fn new(dir: &Path) -> Result<Self> {
        let (image, at) = (dir.join("image-0"), dir.join("disk"));
        File::create(&image)?.set_len(IMAGE_BYTES)?;
        run(Command::new("mkfs.ext4").args(["-q", "-F"]).arg(&image))?;
        fs::create_dir_all(&at)?;
        let mut disk = Self { image, at, mounted: false };
        disk.mount()?;
        Ok(disk)
    }

    /// Where it is mounted.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.at
    }

    /// Copies the image as it is, without a word to the file system in it, and returns the copy.
    ///
    /// # Errors
    /// When it cannot be copied.
    pub fn snapshot(&self, name: &str) -> Result<PathBuf> {
        let copy = self.image.with_file_name(name);
        run(Command::new("cp").arg("--sparse=always").arg(&self.image).arg(&copy))?;
        Ok(copy)
    }

    /// Mounts another image in the place of this one, which is deleted.
    ///
    /// # Errors
    /// When it cannot be mounted, or this one is still in use.
    pub fn replace(&mut self, image: PathBuf) -> Result<()> {
        self.unmount()?;
        fs::remove_file(&self.image)?;
        self.image = image;
        self.mount()
    }

    fn mount(&mut self) -> Result<()> {
        run(Command::new("mount").args(["-o", "loop"]).arg(&self.image).arg(&self.at))?;
        self.mounted = true;
        Ok(())
    }

    fn unmount(&mut self) -> Result<()> {
        run(Command::new("umount").arg(&self.at))?;
        self.mounted = false;
        Ok(())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.mounted
            && let Err(error) = self.unmount()
        {
            eprintln!("drill: {error:#}");
        }
    }
}

fn run(command: &mut Command) -> Result<()> {
    let out = command.output().with_context(|| format!("{command:?}"))?;
    if !out.status.success() {
        bail!("{command:?}: {}", String::from_utf8_lossy(&out.stderr).trim());
    }
    Ok(())
}
