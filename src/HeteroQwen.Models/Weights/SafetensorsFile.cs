using System.Buffers.Binary;
using System.IO.MemoryMappedFiles;
using HeteroQwen.Ir;

namespace HeteroQwen.Models;

/// <summary>
/// A safetensors file, mapped into memory and never copied: 8 bytes of header length, a JSON header, the data. It is checked
/// whole when opened, so that every range of <see cref="Range"/> lies inside the mapping.
/// </summary>
public sealed unsafe class SafetensorsFile : IDisposable
{
    /// <summary>The official reader's limit.</summary>
    private const long MaxHeaderBytes = 100_000_000;

    private readonly MemoryMappedFile _map;
    private readonly MemoryMappedViewAccessor _view;
    private byte* _start;

    private SafetensorsFile(string path, FileStream stream)
    {
        Path = path;
        _map = MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
        _view = _map.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _start);
        _start += _view.PointerOffset;
    }

    /// <summary>As given to <see cref="Open"/>.</summary>
    public string Path { get; }

    public IReadOnlyDictionary<string, SafetensorsTensor> Tensors { get; private set; } = new Dictionary<string, SafetensorsTensor>();

    /// <exception cref="UserErrorException">The file is missing, truncated or malformed.</exception>
    public static SafetensorsFile Open(string path)
    {
        // Before it is opened: opening a pipe would wait for a writer.
        if (InputFile.Length(path) < 8)
        {
            throw new UserErrorException($"{path}: shorter than a safetensors header; download the file again");
        }

        SafetensorsFile file = InputFile.Guard(path, () =>
        {
            FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            try
            {
                return new SafetensorsFile(path, stream);
            }
            catch
            {
                stream.Dispose();
                throw;
            }
        });
        try
        {
            file.ReadHeader(InputFile.Length(path));
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The tensor's bytes, valid until the file is disposed. The address is aligned to nothing: readers must cope.</summary>
    public ByteRange Range(SafetensorsTensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        ObjectDisposedException.ThrowIf(_start == null, this);
        return new ByteRange((nint)(_start + tensor.Offset), tensor.Length);
    }

    public void Dispose()
    {
        if (_start != null)
        {
            _start = null;
            _view.SafeMemoryMappedViewHandle.ReleasePointer();
            _view.Dispose();
            _map.Dispose();
        }
    }

    private void ReadHeader(long fileLength)
    {
        // The view spans whole pages; a file that shrank meanwhile must not be read beyond its end.
        fileLength = Math.Min(fileLength, _view.Capacity);
        ulong headerLength = BinaryPrimitives.ReadUInt64LittleEndian(new ReadOnlySpan<byte>(_start, 8));
        if (headerLength > MaxHeaderBytes)
        {
            throw new UserErrorException(
                $"{Path}: the header claims {headerLength} bytes, but at most {MaxHeaderBytes} are allowed; "
                + "check that this is a safetensors file");
        }

        if ((long)headerLength > fileLength - 8)
        {
            throw new UserErrorException(
                $"{Path}: the header claims {headerLength} bytes, but the file has only {fileLength - 8} (truncated?); download it again");
        }

        long dataStart = 8 + (long)headerLength;
        Tensors = SafetensorsHeader.Read(Path, new ReadOnlySpan<byte>(_start + 8, (int)headerLength), dataStart, fileLength - dataStart);
    }
}
