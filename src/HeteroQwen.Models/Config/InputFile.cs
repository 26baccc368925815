using HeteroQwen.Ir;

namespace HeteroQwen.Models;

/// <summary>Opens what the user named, so that every failure is a sentence.</summary>
internal static class InputFile
{
    /// <summary>Length of a file that exists and is a regular one.</summary>
    public static long Length(string path)
    {
        FileInfo info = new(path);
        if (Directory.Exists(path) || !info.Exists)
        {
            throw new UserErrorException($"{path}: no such file; check the model's folder or download it again");
        }

        // A link has its own length; what counts is what it points to.
        FileSystemInfo target = Guard(path, () => info.ResolveLinkTarget(returnFinalTarget: true) ?? info);
        return target is FileInfo { Exists: true } file
            ? file.Length
            : throw new UserErrorException($"{path}: the link points to nothing; download the file again");
    }

    /// <summary>The full path behind links, so that the same bytes have one name.</summary>
    public static string Canonical(string path)
    {
        FileSystemInfo info = Directory.Exists(path) ? new DirectoryInfo(path) : new FileInfo(path);
        return Guard(path, () => info.ResolveLinkTarget(returnFinalTarget: true) ?? info).FullName;
    }

    public static byte[] ReadAll(string path, long maxBytes)
    {
        long length = Length(path);
        if (length > maxBytes)
        {
            throw new UserErrorException($"{path}: {length} bytes, but at most {maxBytes} are read; check that this is the right file");
        }

        return Guard(path, () =>
        {
            using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            byte[] bytes = new byte[length];
            stream.ReadExactly(bytes);
            return bytes;
        });
    }

    /// <summary>Runs <paramref name="action"/>; what the file system refuses becomes a sentence that names the file.</summary>
    public static T Guard<T>(string path, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            string why = Shown.Text(e.Message.TrimEnd('.'));
            throw new UserErrorException($"{path}: cannot be read ({why}); check the file and its permissions", e);
        }
    }
}
