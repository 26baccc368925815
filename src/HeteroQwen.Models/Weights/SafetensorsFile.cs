using System.Buffers.Binary;
using HeteroQwen.Ir;

namespace HeteroQwen.Models;

/// <summary>
/// A safetensors file, mapped into memory and never copied: 8 bytes of header length, a JSON header, the data. It is checked
/// whole when opened, so that every range of <see cref="Range"/> lies inside the mapping.
/// </summary>
public sealed class SafetensorsFile : IDisposable
{
    /// <summary>The official reader's limit.</summary>
    private const long MaxHeaderBytes = 100_000_000;

    private readonly MappedFile _file;

    private SafetensorsFile(string path, MappedFile file)
    {
        (Path, _file) = (path, file);
        Tensors = ReadHeader();
    }

    /// <summary>As given to <see cref="Open"/>.</summary>
    public string Path { get; }

    public IReadOnlyDictionary<string, SafetensorsTensor> Tensors { get; }

    /// <exception cref="UserErrorException">The file is missing, truncated or malformed.</exception>
    public static SafetensorsFile Open(string path)
    {
        MappedFile file = MappedFile.Open(path, 8, "safetensors");
        try
        {
            return new SafetensorsFile(path, file);
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
        return _file.Range(tensor.Offset, tensor.Length);
    }

    /// <summary>Gives back the memory that a range of the file takes, which stays valid; 0 if it is none of this file.</summary>
    internal long Release(ByteRange range) => _file.Release(range);

    public void Dispose() => _file.Dispose();

    private Dictionary<string, SafetensorsTensor> ReadHeader()
    {
        ulong headerLength = BinaryPrimitives.ReadUInt64LittleEndian(_file.Span(0, 8));
        if (headerLength > MaxHeaderBytes)
        {
            throw new UserErrorException(
                $"{Path}: the header claims {headerLength} bytes, but at most {MaxHeaderBytes} are allowed; "
                + "check that this is a safetensors file");
        }

        if ((long)headerLength > _file.Length - 8)
        {
            throw new UserErrorException(
                $"{Path}: the header claims {headerLength} bytes, but the file has only {_file.Length - 8} (truncated?); "
                + "download it again");
        }

        long dataStart = 8 + (long)headerLength;
        return SafetensorsHeader.Read(Path, _file.Span(8, (int)headerLength), dataStart, _file.Length - dataStart);
    }
}
