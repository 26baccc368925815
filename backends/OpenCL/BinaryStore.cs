using System.Security.Cryptography;

namespace HeteroQwen.Backends.OpenCL;

/// <summary>
/// Compiled programs on disk, one file each: 32 bytes of SHA-256 of what follows, then the driver's binary. A file is written under
/// another name and moved, so that processes may share the folder; one whose hash is wrong is as good as none. What goes wrong with
/// the disk costs only time.
/// </summary>
internal sealed class BinaryStore(string folder)
{
    private const int HashBytes = 32;

    /// <summary>No program of ours comes near.</summary>
    private const long MostBytes = 64 << 20;

    /// <summary>The user's own folder for caches; null where there is none.</summary>
    public static BinaryStore? Open()
    {
        string? root = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
        if (string.IsNullOrEmpty(root) || !Path.IsPathFullyQualified(root))
        {
            string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
            root = OperatingSystem.IsWindows() ? Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData)
                : home.Length > 0 ? Path.Combine(home, ".cache") : "";
        }

        return root.Length > 0 ? new BinaryStore(Path.Combine(root, "heteroqwen", "opencl")) : null;
    }

    public string PathOf(string key) => Path.Combine(folder, $"{key}.bin");

    /// <summary>The binary, or null where there is none that is whole.</summary>
    public byte[]? Read(string key)
    {
        try
        {
            FileInfo file = new(PathOf(key));
            if (!file.Exists || file.Length is <= HashBytes or > MostBytes)
            {
                return null;
            }

            byte[] content = File.ReadAllBytes(file.FullName);
            byte[] binary = content[HashBytes..];
            return SHA256.HashData(binary).AsSpan().SequenceEqual(content.AsSpan(0, HashBytes)) ? binary : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    public void Write(string key, byte[] binary)
    {
        string own = Path.Combine(folder, $"{key}.{Environment.ProcessId}.{Guid.NewGuid():N}");
        try
        {
            Directory.CreateDirectory(folder);
            using (FileStream file = new(own, FileMode.CreateNew))
            {
                file.Write(SHA256.HashData(binary));
                file.Write(binary);
            }

            File.Move(own, PathOf(key), overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Delete(own);
        }
    }

    private static void Delete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It is in the way of nobody.
        }
    }
}
