using HeteroQwen.Ir;
using Microsoft.Win32.SafeHandles;

namespace HeteroQwen.Models;

/// <summary>
/// A file that is there whole or not at all: written under another name beside it, and renamed when it is complete. What is not
/// completed is removed.
/// </summary>
internal sealed class OutputFile : IDisposable
{
    private readonly string _path;
    private readonly string _part;
    private readonly bool _overwrite;
    private bool _complete;

    /// <param name="path">Where the file is to be.</param>
    /// <param name="bytes">Its size; the space is taken now, so that a disk that is too small is found before the work.</param>
    /// <param name="overwrite">Whether a file of that name may be replaced.</param>
    /// <exception cref="UserErrorException">There is such a file, or none can be written there.</exception>
    public OutputFile(string path, long bytes, bool overwrite)
    {
        Check(path, overwrite);
        (_path, _part, _overwrite) = (path, $"{path}.{Environment.ProcessId}.part", overwrite);
        try
        {
            Handle = Guard(() => File.OpenHandle(_part, FileMode.Create, FileAccess.Write, FileShare.None, FileOptions.None, bytes));
            Guard(() => SetLength(Handle, bytes));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    private SafeFileHandle? Handle { get; }

    /// <exception cref="UserErrorException">The path is no name of a GGUF file that could be written, or it is taken.</exception>
    public static void Check(string path, bool overwrite)
    {
        string shown = Shown.Text(path);
        if (!path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase))
        {
            throw new UserErrorException($"{shown}: a GGUF file is known by its name; let it end in .gguf");
        }

        if (Directory.Exists(path))
        {
            throw new UserErrorException($"{shown}: this is a folder; name a file in it, such as {Path.Combine(shown, "model.gguf")}");
        }

        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder && !Directory.Exists(folder))
        {
            throw new UserErrorException($"{shown}: there is no folder {Shown.Text(folder)}; make it first, or name another");
        }

        if (File.Exists(path) && !overwrite)
        {
            throw new UserErrorException($"{shown}: there is such a file; name another, or add --force to replace it");
        }
    }

    /// <summary>Writes bytes at a place. Any number of threads may at a time.</summary>
    /// <exception cref="UserErrorException">The system refuses it.</exception>
    public void Write(ReadOnlySpan<byte> bytes, long offset)
    {
        try
        {
            RandomAccess.Write(Handle!, bytes, offset);
        }
        catch (IOException e)
        {
            throw Refusal(e);
        }
    }

    /// <summary>Gives the file its name.</summary>
    /// <exception cref="UserErrorException">The system refuses it.</exception>
    public void Complete()
    {
        Guard(() =>
        {
            RandomAccess.FlushToDisk(Handle!);
            Handle!.Dispose();
            File.Move(_part, _path, _overwrite);
        });
        _complete = true;
    }

    public void Dispose()
    {
        Handle?.Dispose();
        if (!_complete)
        {
            File.Delete(_part);
        }
    }

    private static void SetLength(SafeFileHandle handle, long bytes)
    {
        try
        {
            RandomAccess.SetLength(handle, bytes);
        }
        catch (ArgumentOutOfRangeException e)
        {
            throw new IOException($"no file of {bytes} bytes fits there", e);
        }
    }

    private void Guard(Action action) => Guard(() =>
    {
        action();
        return true;
    });

    private T Guard<T>(Func<T> action)
    {
        try
        {
            return action();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw Refusal(e);
        }
    }

    private UserErrorException Refusal(Exception e) => new(
        $"{Shown.Text(_path)}: cannot be written ({Shown.Text(e.Message.TrimEnd('.'))}); check the path, its permissions and the space left", e);
}
