// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Devices and their owners
/// @notice A device is one secp256k1 key. The key gives a libp2p identity (its PeerId) and an Ethereum
/// address. The contract derives both from the public key, so nobody can claim the PeerId or the address of a
/// key that it does not hold. An owner binds a device with one EIP-712 signature (`Delegation`), and the
/// device agrees with another (`SessionConsent`). Anyone may post the two signatures. A device may work for
/// months before it is bound: its record is kept under its address and counts for the owner once it is bound.
/// @dev Nobody administers this contract: no owner, no pause, no upgrade.
/// EIP-712 domain: name "Starling", version "1", this chain, this contract.
interface IIdentity {
    /// @notice What an owner signs.
    /// @param owner The account that takes the device: a plain account, or a contract that answers ERC-1271.
    /// @param sessionKey Address of the device.
    /// @param peerId sha2-256 of the bytes of the device's libp2p PeerId.
    /// @param scope Bits of what the device may do for the owner. At least one of the 12 bits is set.
    /// @param validUntil Last second (Unix time) at which the delegation is in force; at most `MAX_VALIDITY`
    /// ahead.
    /// @param epoch The owner's current epoch. Raising the epoch voids every delegation signed before.
    /// @param nonce Orders the delegations that an owner signs for a device in one epoch: only one with a
    /// higher nonce takes the place of one that was posted. The time of signing in seconds serves well.
    /// @param replaces A device of the owner whose delegation ends with this one's beginning, or zero. It
    /// lets an owner change the key of a device with one signature and one transaction.
    struct Delegation {
        address owner;
        address sessionKey;
        bytes32 peerId;
        uint32 scope;
        uint64 validUntil;
        uint32 epoch;
        uint32 nonce;
        address replaces;
    }

    /// @notice What is stored of a delegation.
    /// @param revoked The owner revoked the device, or the device left. It can be bound to the same owner
    /// again in a later epoch.
    /// @param retired Another device has taken its place. It is never bound again.
    struct Binding {
        address owner;
        uint40 validUntil;
        uint32 epoch;
        uint32 nonce;
        uint16 scope;
        bool revoked;
        bool retired;
    }

    /// @notice A public key was registered. From now on the contract knows the PeerId of its address.
    event Registered(address indexed device, bytes32 indexed peerId, bytes32 x, bytes32 y);
    /// @notice A device was bound, or its delegation was renewed.
    event Bound(
        address indexed owner, address indexed device, uint32 scope, uint64 validUntil, uint32 indexed epoch
    );
    /// @notice The delegation of a device was revoked.
    event Revoked(address indexed owner, address indexed device);
    /// @notice The device ended its delegation itself.
    event SessionEnded(address indexed owner, address indexed device);
    /// @notice Another device has taken the place of this one, whose delegation had ended.
    event Retired(address indexed owner, address indexed device);
    /// @notice The owner raised its epoch. Every delegation signed for an earlier epoch is void.
    event EpochRaised(address indexed owner, uint32 epoch);

    /// @notice (x, y) is not a point of secp256k1.
    error NotOnCurve();
    /// @notice The address of the public key is not the one that the delegation names.
    error WrongDevice(address derived, address named);
    /// @notice The PeerId of the public key is not the one that the delegation names.
    error WrongPeerId(bytes32 derived, bytes32 named);
    /// @notice The owner is the device itself or the zero address.
    error BadOwner(address owner);
    /// @notice No scope bit is set, or a bit above the 12 that are stored.
    error BadScope(uint32 scope);
    /// @notice `validUntil` is in the past or more than `MAX_VALIDITY` ahead.
    error BadValidity(uint64 validUntil, uint256 earliest, uint256 latest);
    /// @notice The delegation was signed for another epoch than the owner's current one.
    error WrongEpoch(uint32 signed, uint32 current);
    /// @notice The owner did not sign this delegation.
    error BadOwnerSignature();
    /// @notice The device did not consent to this owner, scope, validity, epoch and nonce.
    error BadConsentSignature();
    /// @notice The device did not sign the end of the delegation that it has now.
    error BadEndSignature();
    /// @notice The device is or was bound to another owner. A device never changes its owner, so that a
    /// record cannot move.
    error Taken(address device, address owner);
    /// @notice The device was revoked in this epoch. To bind it again, raise the epoch and sign anew.
    error DeviceRevoked(address device);
    /// @notice The device's place was taken by another one after its delegation had ended. Bind a new key.
    error DeviceRetired(address device);
    /// @notice In one epoch a delegation must have a higher nonce than the one that was posted last, so that
    /// an older signature cannot take the place of a newer one.
    error NotNewer(uint32 nonce, uint32 current);
    /// @notice Delegations of `MAX_DEVICES` devices of the owner are in force, or a query names more than 256
    /// devices.
    error TooManyDevices();
    /// @notice The owner has raised its epoch 65,535 times. It can still revoke devices one by one.
    error TooManyEpochs();
    /// @notice The device is not bound to the caller, or is already revoked. Of a device that a delegation
    /// replaces: it is not bound to the delegation's owner.
    error NotYours(address device);
    /// @notice The device has no delegation that it could end.
    error NotBound(address device);

    /// @notice Scope bit: the device may attest rounds.
    function SCOPE_ATTEST() external view returns (uint32);
    /// @notice Scope bit: the device may vote.
    function SCOPE_VOTE() external view returns (uint32);
    /// @notice Longest time a delegation may last, in seconds.
    function MAX_VALIDITY() external view returns (uint64);
    /// @notice Most devices of one owner that can be in force at once. Where all places are taken, a new
    /// device gets the place of a revoked or expired one.
    function MAX_DEVICES() external view returns (uint256);

    /// @notice Registers the PeerId of a public key. Anyone may register any key; it does not bind the
    /// device.
    /// @param x Abscissa of the public key.
    /// @param y Ordinate of the public key.
    /// @return device The address of the key.
    /// @return peerId sha2-256 of the bytes of its libp2p PeerId.
    function register(bytes32 x, bytes32 y) external returns (address device, bytes32 peerId);

    /// @notice Binds a device to an owner, or renews its delegation. Anyone may call this with the two
    /// signatures.
    /// @dev Signatures of keys are 65 bytes r, s, v with v of 0, 1, 27 or 28, or 64 bytes r, vs (EIP-2098),
    /// with a low s (EIP-2). ERC-6492 is not taken: it would let anybody make this contract call any
    /// contract. A contract wallet has to be deployed first, which anybody may do.
    /// @param x Abscissa of the device's public key.
    /// @param y Ordinate of the device's public key.
    /// @param delegation What the owner signed.
    /// @param ownerSignature The signature of `delegation` by the owner's key, or what the owner accepts by
    /// ERC-1271.
    /// @param consentSignature The device's signature of `SessionConsent(owner, scope, validUntil, epoch,
    /// nonce)` with the values of `delegation`.
    function bind(
        bytes32 x,
        bytes32 y,
        Delegation calldata delegation,
        bytes calldata ownerSignature,
        bytes calldata consentSignature
    ) external;

    /// @notice Ends the delegation of one of the caller's devices. The record of the device still counts for
    /// the caller.
    function revoke(address device) external;

    /// @notice Ends the delegation of the calling device. Its record up to now still counts for the owner.
    /// Like a revoked device it may not act, and it never changes its owner: go on with a new key.
    function endSession() external;

    /// @notice `endSession` for a device without coin. Anyone may call this with the device's signature.
    /// @param signature The device's signature of `SessionEnd(owner, epoch, nonce)` with the values of its
    /// binding, in the forms of `bind`. It ends that delegation and no later one.
    function endSessionFor(address device, bytes calldata signature) external;

    /// @notice Ends the delegations of all of the caller's devices and voids every signature not posted yet.
    /// @dev Costs about 9,000 gas for each device that has a place (`MAX_DEVICES` at most). Because each
    /// device is marked here, an attestation does not have to read the owner's epoch.
    function revokeAll() external;

    /// @notice Whether the device may act. It may if it has no owner, or if its delegation is in force and
    /// covers every bit of `scope`.
    function mayAct(address device, uint32 scope) external view returns (bool);

    /// @notice `mayAct` for up to 256 devices at once.
    /// @return bits Bit i, counted from the lowest, is set when `devices[i]` may act.
    function mayActEach(address[] calldata devices, uint32 scope) external view returns (uint256 bits);

    /// @notice The owner that the device acts for now; zero if it has no owner or its delegation has ended.
    function ownerOf(address device) external view returns (address);

    /// @notice `ownerOf` for several devices, in their order.
    function ownersOf(address[] memory devices) external view returns (address[] memory owners);

    /// @notice What is stored for a device; all zero if it was never bound.
    function bindingOf(address device) external view returns (Binding memory);

    /// @notice Every device that the owner ever bound: first those that have a place, then those whose place
    /// was taken. It has no limit, so call it off chain.
    function devicesOf(address owner) external view returns (address[] memory);

    /// @notice The epoch that the owner's next delegation must carry.
    function epochOf(address owner) external view returns (uint32);

    /// @notice The PeerId digest of a registered device; zero if it is not registered.
    function peerIdOf(address device) external view returns (bytes32);

    /// @notice The registered device of a PeerId digest; zero if there is none.
    function deviceOf(bytes32 peerId) external view returns (address);

    /// @notice Address and PeerId digest of a public key.
    /// @dev The libp2p PeerId of a secp256k1 key is an identity multihash (0x00, length 0x25) of the key's
    /// protobuf: 08 02 (type secp256k1), 12 21 (33 bytes) and the compressed point. See the libp2p peer-ids
    /// specification.
    function derive(bytes32 x, bytes32 y) external pure returns (address device, bytes32 peerId);
}
